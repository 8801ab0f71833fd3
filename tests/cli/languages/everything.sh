# What scripts do all day, each line of output one thing.
set -eo pipefail
seq 1000 | sort -rn | uniq | awk '{ sum += $1 } END { print sum }'
diff <(echo same) <(echo same) && echo substituted
coproc cat
echo coprocess >&"${COPROC[1]}"
read -r line <&"${COPROC[0]}"
echo "$line"
exec {COPROC[1]}>&-
wait
trap 'echo trapped' USR1
kill -USR1 $$
cd "$(mktemp -d)"
mkfifo fifo
echo fifo >fifo &
cat fifo
seq 3 | xargs -P 3 -n 1 true
timeout 10 setsid nice flock file echo locked
tar --create fifo | gzip | gunzip | tar --list
git init --quiet work
git -C work -c user.name=box -c user.email=box@localhost commit --quiet --allow-empty --message first
git clone --quiet "file://$PWD/work" clone
git -C clone log --format=%s
git -C clone gc --quiet
printf 'all: one two\none two:\n\t@echo made\n' >Makefile
make --jobs=2
perl -e 'print `echo perl`'
