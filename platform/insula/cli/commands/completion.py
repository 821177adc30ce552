from enum import StrEnum
from typing import Annotated, Final

import typer

app = typer.Typer()

# Each runs the program by the name that was typed, such as .venv/bin/insula.
_BASH: Final = r"""
_insula_completion() {
    local IFS=$'\n'
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD _INSULA_COMPLETE=complete_bash "$1" ) )
}
complete -o default -F _insula_completion insula
"""
_ZSH: Final = r"""
_insula_completion() {
    eval "$( env _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _INSULA_COMPLETE=complete_zsh "${words[1]}" )"
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -u; }
compdef _insula_completion insula
"""
_FISH: Final = r"""
function _insula_completion
    env _INSULA_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=$argv[1] _TYPER_COMPLETE_ARGS=(commandline -cp) \
        (commandline -opc)[1]
end
complete --command insula --no-files --arguments "(_insula_completion get-args)" \
    --condition "_insula_completion is-args"
"""


class Shell(StrEnum):
    """The shells whose completion is supported."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


_SCRIPTS: Final = {Shell.BASH: _BASH, Shell.ZSH: _ZSH, Shell.FISH: _FISH}


@app.command()
def completion(shell: Annotated[Shell, typer.Argument(help="The shell that reads the script.")]) -> None:
    """Print the script that completes commands and options: eval "$(insula completion bash)"."""
    typer.echo(_SCRIPTS[shell].strip())
