# shellcheck shell=bash
# bench [NAME ...]     measure with preset release: the programs and scripts tests/bench/bench_*
build_preset release
export ZCHAT_BIN=$PWD/build/release/bin
for file in tests/bench/bench_*; do
    name=$(basename "${file%.*}")
    case " $* " in
    "  " | *" $name "*) ;;
    *) continue ;;
    esac
    echo "== $name"
    case $file in
    *.c) "build/release/tests/bench/$name" ;;
    *.py) /usr/bin/python3 -B "$file" ;;
    esac
done
