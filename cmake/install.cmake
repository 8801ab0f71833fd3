# What `cmake --install` lays down. A project that adds this one as a subdirectory installs nothing of it.

if(NOT PROJECT_IS_TOP_LEVEL)
  return()
endif()

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/pivotbox)

install(TARGETS pivotbox EXPORT pivotboxTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/pivotbox DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(DIRECTORY src/seccomp/policies DESTINATION ${CMAKE_INSTALL_DATADIR}/pivotbox)
install(EXPORT pivotboxTargets NAMESPACE pivotbox:: DESTINATION ${package_directory})

configure_package_config_file(cmake/pivotboxConfig.cmake.in pivotboxConfig.cmake INSTALL_DESTINATION ${package_directory})
# Before 1.0 a minor version may change the API.
write_basic_package_version_file(pivotboxConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/pivotboxConfig.cmake ${PROJECT_BINARY_DIR}/pivotboxConfigVersion.cmake
  DESTINATION ${package_directory})

file(RELATIVE_PATH include_from_pkgconfig ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_FULL_INCLUDEDIR})
configure_file(cmake/pivotbox.pc.in pivotbox.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/pivotbox.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(TARGET pivotbox_cli)
  install(TARGETS pivotbox_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
