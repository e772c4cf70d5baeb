#!/usr/bin/python3
"""Command lines are completed in bash, zsh and fish: the functions that a shell would call say what may follow."""
import os
import shlex
import shutil

from zchat_test import Skipped, bin_folder, check, equal, run_tests, test

PROGRAMS = ("zchat", "zchat-broker", "zchat-logger")


def script(shell, program):
    path = bin_folder().parent / "completions" / shell / program
    check(path.exists(), f"{path} is not built")
    return str(path)


def environment(scene, person=None):
    env = {"PATH": f"{bin_folder()}:{os.environ['PATH']}", "ZCHAT_HOME": str(scene.folder / "nobody")}
    if person is not None:
        env.update(ZCHAT_HOME=str(person.home), ZCHAT_NICK=person.nick, ZCHAT_BROKER=person.url)
    return env


def in_bash(scene, line, person=None, program="zchat"):
    """What a clean bash offers behind this line: it hands over the last word as readline does, without its quote."""
    word = line.rsplit(" ", 1)[1]
    for breaker in "=@":  # of COMP_WORDBREAKS
        word = word.rsplit(breaker, 1)[-1]
    word = word.lstrip("'\"").replace("\\", "")
    function = "_" + program.replace("-", "_")
    body = (f"source {script('bash', program)}; COMP_LINE={shlex.quote(line)}; COMP_POINT=${{#COMP_LINE}}; "
            f"{function} {program} {shlex.quote(word)} ''; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    result = scene.run(["bash", "--norc", "--noprofile", "-c", body], env=environment(scene, person))
    equal((result.code, result.err), (0, b""), f"bash, behind '{line}'")
    return [entry for entry in result.lines() if entry]


def has(offered, *words):
    for word in words:
        check(word in offered, f"'{word}' misses in {offered}")


def has_not(offered, *words):
    for word in words:
        check(word not in offered, f"'{word}' should not be in {offered}")


@test
def bash_offers_verbs_actions_and_their_options(scene):
    has(in_bash(scene, "zchat "), "send", "tail", "wait", "exec", "room", "admin")
    equal(in_bash(scene, "zchat wa"), ["wait"], "behind wa")
    equal(sorted(in_bash(scene, "zchat room b")), ["ban", "bans"], "behind room b")
    has(in_bash(scene, "zchat --"), "--broker", "--plain", "--help")
    offered = in_bash(scene, "zchat --nick bob room ban --")
    has(offered, "--for", "--key", "--json")
    has_not(offered, "--wait", "--plain")
    equal(in_bash(scene, "zchat send --wait d"), ["delivered"], "values of an option")
    equal(in_bash(scene, "zchat send --wait=st"), ["stored"], "values behind =")
    equal(in_bash(scene, "zchat invite --role op"), ["operator"], "roles")
    equal(in_bash(scene, "zchat admin role bob ow"), ["owner"], "a word that is a role")
    equal(in_bash(scene, "zchat ping "), [], "behind what takes nothing")


@test
def bash_offers_files_and_commands_where_they_belong(scene):
    (scene.folder / "some.log").touch()
    (scene.folder / "some.dir").mkdir()
    equal(sorted(in_bash(scene, f"zchat --history {scene.folder}/some")),
          [f"{scene.folder}/some.dir", f"{scene.folder}/some.log"], "files")
    equal(in_bash(scene, f"zchat-logger --out {scene.folder}/some", program="zchat-logger"),
          [f"{scene.folder}/some.dir"], "folders")
    has(in_bash(scene, "zchat exec '#x' -- zchat-"), "zchat-broker", "zchat-logger")


@test
def bash_completes_the_broker_and_the_logger(scene):
    has(in_bash(scene, "zchat-broker --", program="zchat-broker"), "--bind", "--data", "--port", "--print-config")
    equal(in_bash(scene, "zchat-broker --registration o", program="zchat-broker"), ["open"], "choices")
    has(in_bash(scene, "zchat-logger --", program="zchat-logger"), "--out", "--streams", "--help", "--version")


@test
def bash_asks_the_broker_for_rooms_and_people(scene):
    broker = scene.broker()
    alice, bob = scene.person("alice", broker), scene.person("bob", broker)
    alice.ok("join", "#lobby")
    bob.ok("join", "#lab")
    equal(sorted(in_bash(scene, "zchat send ", alice)), ["@alice", "@bob", "\\#lab", "\\#lobby"], "targets")
    equal(in_bash(scene, "zchat send '#lo", alice), ["#lobby"], "within quotes")
    equal(in_bash(scene, "zchat send \\#la", alice), ["\\#lab"], "behind a backslash")
    equal(in_bash(scene, "zchat send @b", alice), ["bob"], "behind an @, at which bash splits")
    equal(in_bash(scene, "zchat room op '#lobby' b", alice), ["bob"], "a nick")
    equal(in_bash(scene, "zchat wait '#lobby' --from a", alice), ["alice"], "a nick as a value")
    broker.stop()
    equal(in_bash(scene, "zchat send ", alice), [], "without a broker")
    equal(in_bash(scene, "zchat send "), [], "for who never used one")
    check(not (scene.folder / "nobody").exists(), "completion makes nobody an account")


def need(shell):
    if shutil.which(shell) is None:
        raise Skipped(f"{shell} is not installed")


@test
def zsh_reads_the_scripts_and_finds_the_place(scene):
    need("zsh")
    for program in PROGRAMS:
        equal(scene.run(["zsh", "-n", script("zsh", program)]).code, 0, f"zsh -n for {program}")
    body = (f"compdef() {{ : }}; source {script('zsh', 'zchat')}; "
            "_zchat_walk --nick bob room ban '#x'; print -r -- \"$verb|$kind|$place\"; "
            "_zchat_walk exec '#x' -- ls; print -r -- \"$verb|$is_over|$place\"; "
            "_zchat_walk send --wait; print -r -- \"$verb|$option\"; "
            "_zchat_table 'options wait' | grep '^--match'; _zchat_candidates 'stored|delivered'")
    result = scene.run(["zsh", "-f", "-c", body], env=environment(scene))
    lines = result.lines()
    equal((result.code, lines[:3], lines[4:]), (0, ["room ban|NICK|1", "exec|1|2", "send|--wait"],
                                               ["stored", "delivered"]), f"{result}")
    check(lines[3].startswith("--match:messages in which"), f"with what it does: {lines[3]}")


@test
def zsh_offers_them_in_its_own_completion(scene):
    need("zsh")
    folder = scene.folder / "functions"
    folder.mkdir()
    (folder / "_zchat").write_bytes(open(script("zsh", "zchat"), "rb").read())
    body = (f"zmodload zsh/zpty; zpty z zsh -f -i; zpty -w z 'PS1=; unsetopt beep; fpath=({folder} $fpath); "
            "autoload -U compinit; compinit -u -D; setopt noalwayslastprompt; LISTMAX=1000; echo re\"\"ady'; "
            "zpty -r z line '*ready*'; zpty -w -n z $'zchat wai\\t'; zpty -r z line '*wait *' && print ok; zpty -d z")
    result = scene.run(["zsh", "-f", "-c", body], env=environment(scene))
    check(result.lines()[-1:] == ["ok"], f"wai becomes wait: {result}")


@test
def fish_offers_them(scene):
    need("fish")
    for program in PROGRAMS:
        equal(scene.run(["fish", "-n", script("fish", program)]).code, 0, f"fish -n for {program}")

    def in_fish(line, program="zchat"):
        result = scene.run(["fish", "--no-config", "-c",
                            f"source {script('fish', program)}; complete -C {shlex.quote(line)}"],
                           env=environment(scene))
        equal(result.code, 0, f"fish, behind '{line}': {result}")
        return [entry.split("\t")[0] for entry in result.lines()]

    has(in_fish("zchat "), "send", "wait", "exec", "room")
    has_not(in_fish("zchat "), "ban")
    has(in_fish("zchat room "), "ban", "create")
    offered = in_fish("zchat --nick bob wait --")
    has(offered, "--match", "--json", "--from")
    has_not(offered, "--plain", "--jobs")
    equal(in_fish("zchat send --wait d"), ["delivered"], "values of an option")
    has(in_fish("zchat-broker --regis", "zchat-broker"), "--registration")
    has(in_fish("zchat-logger --", "zchat-logger"), "--out", "--format")


@test
def they_are_installed_where_shells_look(scene):
    need("cmake")
    share = scene.folder / "prefix" / "share"
    result = scene.run(["cmake", "--install", str(bin_folder().parent), "--prefix", str(share.parent)])
    equal(result.code, 0, f"cmake --install: {result}")
    for program in PROGRAMS:
        for path in (f"bash-completion/completions/{program}", f"zsh/site-functions/_{program}",
                     f"fish/vendor_completions.d/{program}.fish"):
            check((share / path).stat().st_size > 0, f"{path} is not empty")


@test
def another_shell_is_refused(scene):
    for program in PROGRAMS:
        result = scene.run([str(bin_folder() / program), "--print-completion", "tcsh"])
        equal((result.code, result.out), (2, b""), f"{program} for tcsh")


if __name__ == "__main__":
    run_tests()
