"""The help of the commands that are not Lightning's: what an option takes in words, and no types of Python."""

from __future__ import annotations

import re
from argparse import SUPPRESS, Action

from jsonargparse import DefaultHelpFormatter
from jsonargparse._actions import ActionConfigFile

KINDS = ((r"\bint\b", "a whole number"), (r"\bfloat\b", "a number"))
"""A type of Python, and the words for it; of the others the text of the option tells, or its choices."""
SAYS_DEFAULT = ("(default: ", "if not given", "if it is not given", "not given for")
"""How the text of an option tells what is taken if it is not given."""
PRINT_CONFIG = "print all options with their values, as a config of this command"


class Help(DefaultHelpFormatter):
    """jsonargparse's formatter, with words in place of types, and without the default null."""

    def _get_help_string(self, action: Action) -> str:
        """The text of an option, and behind it what can be given and what is taken if nothing is."""
        if "--print_config" in action.option_strings:
            return PRINT_CONFIG
        if isinstance(action, ActionConfigFile) or action.nargs == 0 or action.default == SUPPRESS:
            return super()._get_help_string(action)
        text = (action.help or "").replace("``", "`").removesuffix(".")
        if any(words in text for words in SAYS_DEFAULT):
            facts = [self._classes(action)]
        else:
            facts = [self._kind(action), self._classes(action), self._default(action)]
        said = ", ".join(fact for fact in facts if fact)
        return f"{text} ({said})" if said else text

    def _kind(self, action: Action) -> str:
        kind = self._get_type_str(action) or ""
        words = [word for pattern, word in KINDS if re.search(pattern, kind)]
        return words[0] if words and "str" not in kind and "Literal" not in kind else ""

    def _classes(self, action: Action) -> str:
        """The names of the classes that come with the program: a name will do for them."""
        extra = action.extra_help() if hasattr(action, "extra_help") else ""
        names = sorted(path.rpartition(".")[2] for path in re.findall(r"[\w.]+\.\w+", extra))
        return f"classes: {', '.join(names)}" if names else ""

    def _default(self, action: Action) -> str:
        if action.required:
            return "required" if action.option_strings else ""
        if isinstance(action.default, bool):
            return f"default: {str(action.default).lower()}"
        return "" if action.default in (None, [], "") else "default: %(default)s"
