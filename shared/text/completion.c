#include "shared/text/completion.h"

#include <ctype.h>
#include <string.h>

/* The bash and zsh scripts are a table, asked for with words such as "options room ban", and a function that
 * walks over the command line. Answers are lines; in zsh they are "name:what it does". */
struct writer {
    FILE *out;
    const struct completion *self;
    const char *name; /* the program, as part of a function's name */
    bool has_help;    /* behind each name a colon and what it does */
};

/* Within single quotes of any of the shells. */
static void put_quoted(const struct writer *w, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputs(strcmp(w->name, "fish") == 0 ? "\\'" : "'\\''", w->out);
        else if (*text == '\\' && strcmp(w->name, "fish") == 0)
            fputs("\\\\", w->out);
        else
            fputc(*text, w->out);
    }
}

static void put_item(const struct writer *w, const char *prefix, const char *name, const char *help)
{
    fputs(" '", w->out);
    put_quoted(w, prefix);
    put_quoted(w, name);
    if (w->has_help) {
        fputc(':', w->out);
        put_quoted(w, help);
    }
    fputc('\'', w->out);
}

static const char *action_of(const struct completion_verb *verb)
{
    const char *space = strchr(verb->name, ' ');

    return space == NULL ? NULL : space + 1;
}

static bool is_of_group(const struct completion_verb *verb, const char *group)
{
    const size_t len = strlen(group);

    return strncmp(verb->name, group, len) == 0 && verb->name[len] == ' ';
}

static void put_verbs(const struct writer *w)
{
    const struct completion *self = w->self;

    fputs("    verbs) printf '%s\\n'", w->out);
    for (size_t i = 0; i < self->verb_count; i++) {
        if (action_of(&self->verbs[i]) == NULL)
            put_item(w, "", self->verbs[i].name, self->verbs[i].help);
    }
    fputs(" ;;\n", w->out);
    for (size_t i = 0; i < self->verb_count; i++) {
        if (self->verbs[i].use != 0)
            continue;
        fprintf(w->out, "    'actions %s') printf '%%s\\n'", self->verbs[i].name);
        for (size_t k = 0; k < self->verb_count; k++) {
            if (is_of_group(&self->verbs[k], self->verbs[i].name))
                put_item(w, "", action_of(&self->verbs[k]), self->verbs[k].help);
        }
        fputs(" ;;\n", w->out);
    }
}

static void put_options(const struct writer *w, const char *verb, unsigned use)
{
    const struct completion *self = w->self;

    fprintf(w->out, "    'options %s') printf '%%s\\n'", verb);
    for (size_t i = 0; i < self->option_count; i++) {
        if ((self->options[i].uses & use) != 0)
            put_item(w, "--", self->options[i].name, self->options[i].help);
    }
    fputs(" ;;\n", w->out);
}

/* What the words of a verb are, a word for each; `...` at the end: the last again. */
static void put_words(const struct writer *w, const struct completion_verb *verb)
{
    fprintf(w->out, "    'words %s') printf '%%s\\n' '", verb->name);
    for (const char *at = verb->words; *at != '\0'; at++) {
        if (*at != '[' && *at != ']')
            fputc(*at, w->out);
    }
    fputs("' ;;\n", w->out);
}

/* "a|b|c", of small letters: one of these. */
static bool has_choices(const char *value)
{
    return strchr(value, '|') != NULL && islower((unsigned char)value[0]) &&
           strpbrk(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL;
}

static const char *kind_of(const struct writer *w, const char *value)
{
    if (has_choices(value) || strcmp(value, "DIR") == 0 || strcmp(value, "ROLE") == 0)
        return value;
    if (strcmp(value, "NICK") == 0 && w->self->verb_count > 0) /* it can ask who there is */
        return value;
    return strstr(value, "FILE") != NULL ? "FILE" : "-";
}

static void put_values(const struct writer *w)
{
    const struct completion *self = w->self;

    for (size_t i = 0; i < self->option_count; i++) {
        const struct completion_option *option = &self->options[i];

        if (option->value == NULL)
            continue;
        fprintf(w->out, "    'value --%s'", option->name);
        if (option->letter != 0)
            fprintf(w->out, "|'value -%c'", option->letter);
        fprintf(w->out, ") echo '%s' ;;\n", kind_of(w, option->value));
    }
}

static void put_table(const struct writer *w)
{
    const struct completion *self = w->self;

    fprintf(w->out, "_%s_table() {\n    case $1 in\n", w->name);
    if (self->verb_count > 0)
        put_verbs(w);
    put_options(w, "", self->use);
    for (size_t i = 0; i < self->verb_count; i++) {
        if (self->verbs[i].use == 0)
            continue;
        put_options(w, self->verbs[i].name, self->verbs[i].use);
        put_words(w, &self->verbs[i]);
    }
    put_values(w);
    fputs("    esac\n}\n\n", w->out);
}

/* Write a template: @P is the program, @F its name within functions' names. */
static void put_template(const struct writer *w, const char *text)
{
    for (; *text != '\0'; text++) {
        if (text[0] == '@' && text[1] == 'P')
            fputs(w->self->program, w->out), text++;
        else if (text[0] == '@' && text[1] == 'F')
            fputs(w->name, w->out), text++;
        else
            fputc(*text, w->out);
    }
}

/* Rooms and people: only of a broker that was used before, and only if it answers at once. */
static const char names_sh[] =
    "_@F_names() {\n"
    "    [ -d \"${ZCHAT_HOME:-${XDG_CONFIG_HOME:-$HOME/.config}/zchat}/keys\" ] || return 0\n"
    "    if [ \"$1\" = rooms ]; then\n"
    "        @P rooms --json --timeout 500ms 2>/dev/null | sed -n "
    "'s/^{\"stream\":\"\\(#[^\"]*\\)\".*/\\1/p'\n"
    "    else\n"
    "        @P who --json --timeout 500ms 2>/dev/null | sed -n "
    "'s/^{\"nick\":\"\\([^\"]*\\)\".*/\\1/p'\n"
    "    fi\n"
    "}\n\n"
    "_@F_candidates() { # of a kind of word\n"
    "    case $1 in\n"
    "    '#room') _@F_names rooms ;;\n"
    "    NICK) _@F_names people ;;\n"
    "    ROLE|role) printf '%s\\n' member operator owner ;;\n"
    "    STREAM|TARGET) _@F_names rooms; _@F_names people | sed 's/^/@/' ;;\n"
    "    *[a-z]'|'[a-z]*) echo \"$1\" | tr '|' '\\n' ;;\n"
    "    esac\n"
    "}\n\n";

/* The walk over the words, the same in both shells: sets verb, group, kind (of the word at the cursor) or option. */
static const char walk_sh[] =
    "_@F_walk() { # every word before the cursor\n"
    "    local word list last kinds\n"
    "    verb= group= kind= is_over= option= place=0\n"
    "    for word in \"$@\"; do\n"
    "        if [ -n \"$option\" ]; then option=; continue; fi\n"
    "        if [ -z \"$is_over\" ]; then\n"
    "            case $word in\n"
    "            --) is_over=1; continue ;;\n"
    "            -*=*) continue ;;\n"
    "            -*) [ -z \"$(_@F_table \"value $word\")\" ] || option=$word; continue ;;\n"
    "            esac\n"
    "        fi\n"
    "        if [ -n \"$verb\" ]; then place=$((place + 1))\n"
    "        elif [ -n \"$group\" ]; then verb=\"$group $word\"\n"
    "        elif [ -n \"$(_@F_table \"actions $word\")\" ]; then group=$word\n"
    "        else verb=$word\n"
    "        fi\n"
    "    done\n"
    "    list=$(_@F_table \"words $verb\")\n"
    "    last=0\n"
    "    while [ -n \"$list\" ] && [ \"$last\" -le \"$place\" ]; do\n"
    "        word=${list%% *}\n"
    "        [ \"$word\" = ... ] && break\n"
    "        kind=$word\n"
    "        [ \"$list\" = \"$word\" ] && list= || list=${list#* }\n"
    "        last=$((last + 1))\n"
    "    done\n"
    "    [ \"$last\" -gt \"$place\" ] || [ \"$word\" = ... ] || kind=\n"
    "}\n\n";

static const char main_bash[] =
    "_@F() {\n"
    "    local cur=$2 full line quote= verb group kind is_over option place candidate\n"
    "    local -a before=()\n"
    "    COMPREPLY=()\n"
    "    line=${COMP_LINE:0:COMP_POINT}\n"
    "    read -ra before <<<\"$line\" # bash splits words at @ and =, which are part of ours\n"
    "    full=\n"
    "    if [[ $line != *[[:space:]] ]]; then\n"
    "        full=${before[-1]}\n"
    "        unset 'before[-1]'\n"
    "    fi\n"
    "    before=(\"${before[@]//[\\\"\\'\\\\]/}\")\n"
    "    case $full in [\\\"\\']*) quote=${full:0:1} full=${full:1} ;; esac\n"
    "    full=${full//\\\\/}\n"
    "    _@F_walk \"${before[@]:1}\"\n"
    "    local skipped=${full%\"$cur\"} IFS=$'\\n'\n"
    "    if [[ -z $option && -z $is_over && $full == --*=* ]]; then\n"
    "        option=${full%%=*} full=${full#*=}\n"
    "        skipped=${full%\"$cur\"}\n"
    "    fi\n"
    "    if [[ -n $option ]]; then kind=$(_@F_table \"value $option\")\n"
    "    elif [[ -z $is_over && $full == -* ]]; then\n"
    "        COMPREPLY=($(compgen -W \"$(_@F_table \"options $verb\")\" -- \"$full\"))\n"
    "        return\n"
    "    elif [[ -n $is_over && $verb == exec ]]; then\n"
    "        ((place == 1)) && COMPREPLY=($(compgen -c -- \"$cur\")) || COMPREPLY=($(compgen -f -- "
    "\"$cur\"))\n"
    "        return\n"
    "    elif [[ -z $verb ]]; then\n"
    "        candidate=verbs\n"
    "        [[ -n $group ]] && candidate=\"actions $group\"\n"
    "        COMPREPLY=($(compgen -W \"$(_@F_table \"$candidate\")\" -- \"$full\"))\n"
    "        return\n"
    "    fi\n"
    "    case $kind in\n"
    "    FILE) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
    "    DIR) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n"
    "    esac\n"
    "    for candidate in $(_@F_candidates \"$kind\"); do\n"
    "        [[ $candidate == \"$full\"* ]] || continue\n"
    "        candidate=${candidate#\"$skipped\"}\n"
    "        [[ -z $quote && $candidate == '#'* ]] && candidate=\"\\\\$candidate\" # else it is a "
    "comment\n"
    "        COMPREPLY+=(\"$candidate\")\n"
    "    done\n"
    "}\n"
    "complete -F _@F @P\n";

static const char main_zsh[] =
    "_@F() {\n"
    "    local verb group kind is_over option place full=${(Q)PREFIX}\n"
    "    local -a list before\n"
    "    before=(\"${(@Q)words[2,CURRENT-1]}\")\n"
    "    _@F_walk \"${before[@]}\"\n"
    "    if [[ -z $option && -z $is_over && $full == --*=* ]]; then\n"
    "        option=${full%%=*}\n"
    "        compset -P '*='\n"
    "    fi\n"
    "    if [[ -n $option ]]; then kind=$(_@F_table \"value $option\")\n"
    "    elif [[ -z $is_over && $full == -* ]]; then\n"
    "        list=(\"${(@f)$(_@F_table \"options $verb\")}\")\n"
    "        _describe -o option list\n"
    "        return\n"
    "    elif [[ -n $is_over && $verb == exec ]]; then\n"
    "        shift $((CURRENT - place)) words; CURRENT=$place\n"
    "        _normal\n"
    "        return\n"
    "    elif [[ -z $verb ]]; then\n"
    "        list=(\"${(@f)$(_@F_table \"${group:+actions }${group:-verbs}\")}\")\n"
    "        _describe verb list\n"
    "        return\n"
    "    fi\n"
    "    case $kind in\n"
    "    FILE) _files ;;\n"
    "    DIR) _files -/ ;;\n"
    "    *) list=(\"${(@f)$(_@F_candidates \"$kind\")}\"); compadd -a list ;;\n"
    "    esac\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _@P ]; then _@F \"$@\"; else compdef _@F @P; fi\n";

static const char names_fish[] =
    "function __fish_@F_names\n"
    "    set -l home $XDG_CONFIG_HOME/zchat\n"
    "    set -q XDG_CONFIG_HOME; or set home $HOME/.config/zchat\n"
    "    set -q ZCHAT_HOME; and set home $ZCHAT_HOME\n"
    "    test -d $home/keys; or return 0\n"
    "    if test $argv[1] = rooms\n"
    "        @P rooms --json --timeout 500ms 2>/dev/null | string match -rg "
    "'^\\{\"stream\":\"(#[^\"]*)\"'\n"
    "    else\n"
    "        @P who --json --timeout 500ms 2>/dev/null | string match -rg "
    "'^\\{\"nick\":\"([^\"]*)\"'\n"
    "    end\n"
    "end\n"
    "function __fish_@F_at --description 'is this the verb so far?'\n"
    "    set -l words (commandline -opc)[2..-1]\n"
    "    set -l bare\n"
    "    set -l is_value 0\n"
    "    for word in $words\n"
    "        if test $is_value = 1\n"
    "            set is_value 0\n"
    "        else if string match -q -- '-*' $word\n"
    "            contains -- $word $__fish_@F_valued; and set is_value 1\n"
    "        else\n"
    "            set -a bare $word\n"
    "        end\n"
    "    end\n"
    "    set -l count (count $argv)\n"
    "    test $count -eq 0; and test (count $bare) -eq 0; and return 0\n"
    "    test $count -gt 0; and test (count $bare) -ge $count; and test \"$bare[1..$count]\" = "
    "\"$argv\"\n"
    "end\n";

static void put_fish_option(const struct writer *w, const struct completion_option *option,
                            const char *verb)
{
    fprintf(w->out, "complete -c %s", w->self->program);
    if (w->self->verb_count > 0)
        fprintf(w->out, " -n '__fish_%s_at%s%s'", w->self->program, verb[0] == '\0' ? "" : " ",
                verb);
    fprintf(w->out, " -l %s", option->name);
    if (option->letter != 0)
        fprintf(w->out, " -s %c", option->letter);
    if (option->value != NULL) {
        const char *kind = kind_of(w, option->value);

        if (has_choices(kind)) {
            fputs(" -x -a '", w->out);
            for (; *kind != '\0'; kind++)
                fputc(*kind == '|' ? ' ' : *kind, w->out);
            fputc('\'', w->out);
        } else if (strcmp(kind, "NICK") == 0) {
            fprintf(w->out, " -x -a '(__fish_%s_names people)'", w->self->program);
        } else if (strcmp(kind, "ROLE") == 0) {
            fputs(" -x -a 'member operator owner'", w->out);
        } else if (strcmp(kind, "DIR") == 0) {
            fputs(" -x -a '(__fish_complete_directories)'", w->out);
        } else {
            fputs(strcmp(kind, "FILE") == 0 ? " -r -F" : " -x", w->out);
        }
    }
    fputs(" -d '", w->out);
    put_quoted(w, option->help);
    fputs("'\n", w->out);
}

static void put_fish_verb(const struct writer *w, const struct completion_verb *verb)
{
    const char *action = action_of(verb), *words = verb->words;
    char at[64] = "";

    if (action != NULL)
        snprintf(at, sizeof(at), " %.*s", (int)(action - verb->name - 1), verb->name);
    fprintf(w->out, "complete -c %s -n '__fish_%s_at%s' -a %s -d '", w->self->program,
            w->self->program, at, action == NULL ? verb->name : action);
    put_quoted(w, verb->help);
    fputs("'\n", w->out);
    if (verb->use == 0)
        return;
    if (strstr(words, "#room") != NULL || strstr(words, "STREAM") != NULL ||
        strstr(words, "TARGET") != NULL)
        fprintf(w->out, "complete -c %s -n '__fish_%s_at %s' -a '(__fish_%s_names rooms)'\n",
                w->self->program, w->self->program, verb->name, w->self->program);
    if (strstr(words, "NICK") != NULL)
        fprintf(w->out, "complete -c %s -n '__fish_%s_at %s' -a '(__fish_%s_names people)'\n",
                w->self->program, w->self->program, verb->name, w->self->program);
    for (size_t i = 0; i < w->self->option_count; i++) {
        if ((w->self->options[i].uses & verb->use) != 0)
            put_fish_option(w, &w->self->options[i], verb->name);
    }
}

static void put_fish(struct writer *w)
{
    const struct completion *self = w->self;

    w->name = self->program;
    fprintf(w->out, "complete -c %s -f\n", self->program);
    if (self->verb_count > 0) {
        fprintf(w->out, "set -g __fish_%s_valued", self->program);
        for (size_t i = 0; i < self->option_count; i++) {
            if (self->options[i].value != NULL)
                fprintf(w->out, " --%s", self->options[i].name);
            if (self->options[i].value != NULL && self->options[i].letter != 0)
                fprintf(w->out, " -%c", self->options[i].letter);
        }
        fputc('\n', w->out);
        put_template(w, names_fish);
    }
    w->name = "fish"; /* how put_quoted() quotes */
    for (size_t i = 0; i < self->option_count; i++) {
        if ((self->options[i].uses & self->use) != 0)
            put_fish_option(w, &self->options[i], "");
    }
    for (size_t i = 0; i < self->verb_count; i++)
        put_fish_verb(w, &self->verbs[i]);
}

enum rc completion_print(FILE *out, const char *shell, const struct completion *self)
{
    char name[64];
    struct writer w = {.out = out, .self = self, .name = name};
    const bool is_zsh = strcmp(shell, "zsh") == 0;

    if (!is_zsh && strcmp(shell, "bash") != 0 && strcmp(shell, "fish") != 0)
        return RC_CONFIG;
    snprintf(name, sizeof(name), "%s", self->program);
    for (char *at = name; *at != '\0'; at++)
        *at = *at == '-' ? '_' : *at;
    fprintf(out, "%s%s%s completion for %s; %s --print-completion %s wrote it\n",
            is_zsh ? "#compdef " : "", is_zsh ? self->program : "", is_zsh ? "\n#" : "#",
            self->program, self->program, shell);
    if (strcmp(shell, "fish") == 0) {
        put_fish(&w);
        return RC_OK;
    }
    w.has_help = is_zsh;
    put_table(&w);
    put_template(&w, names_sh);
    put_template(&w, walk_sh);
    put_template(&w, is_zsh ? main_zsh : main_bash);
    return RC_OK;
}

size_t completion_scan(char *help, struct completion_option *options, size_t capacity)
{
    size_t count = 0;

    for (char *line = help, *next; line != NULL && count < capacity; line = next) {
        struct completion_option *option = &options[count];
        char *end, *gap;

        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        if (strncmp(line, "  --", 4) != 0)
            continue;
        *option = (struct completion_option){.name = line + 4, .uses = 1, .help = ""};
        end = line + 4 + strcspn(line + 4, " ,");
        gap = strstr(end, "  ");
        if (gap != NULL) {
            *gap = '\0';
            option->help = gap + 1 + strspn(gap + 1, " ");
        }
        if (*end == ' ' && end[1] != '\0')
            option->value = end + 1;
        if (*end == ',' &&
            next != NULL) { /* "--help, --version": the second is a line of its own */
            char *second = strstr(end, "--");

            *end = '\0';
            count++;
            if (second != NULL && count < capacity)
                options[count++] =
                    (struct completion_option){.name = second + 2, .uses = 1, .help = ""};
            continue;
        }
        *end = '\0';
        count++;
    }
    return count;
}
