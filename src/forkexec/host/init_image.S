/* The init program, built beforehand, inside the library. */
    .section .rodata
    .globl pivotbox_init_image_begin
    .globl pivotbox_init_image_end
    .hidden pivotbox_init_image_begin
    .hidden pivotbox_init_image_end
    .balign 16
pivotbox_init_image_begin:
    .incbin PIVOTBOX_INIT_IMAGE
pivotbox_init_image_end:
    .section .note.GNU-stack,"",%progbits
