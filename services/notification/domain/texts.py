"""What letters say, in each language that has been written down; English for all others."""

# ruff: noqa: RUF001  # Chinese has its own commas and colons

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from enum import StrEnum

LONGEST_WORD = 120
UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class Occasion(StrEnum):
    """Why a letter is written."""

    WELCOME = "welcome"
    INVITED = "invited"
    DISABLED = "disabled"
    ALERT = "alert"


EN: Mapping[Occasion, tuple[str, str]] = {
    Occasion.WELCOME: (
        "Welcome, {user}",
        (
            "Hello {user},\n\nan account has been made for you. Sign in with the user name {user}; whoever made the\n"
            "account tells you your first password, which you are asked to change.\n"
        ),
    ),
    Occasion.INVITED: (
        "You were invited to workspace {workspace}",
        (
            "Hello {user},\n\n{by} has made you a member of the workspace {workspace}, with the role {role}.\n"
            "You find it in your list of workspaces when you sign in.\n"
        ),
    ),
    Occasion.DISABLED: (
        "Your account {user} was disabled",
        (
            "Hello {user},\n\nyour account was disabled. Nobody can sign in with it until an administrator enables it\n"
            "again, and every session has been ended.\n"
        ),
    ),
}
ZH: Mapping[Occasion, tuple[str, str]] = {
    Occasion.WELCOME: (
        "欢迎，{user}",
        "{user}，您好：\n\n已为您创建账户。请使用用户名 {user} 登录；初始密码由创建账户的人告知，登录后请修改。\n",
    ),
    Occasion.INVITED: (
        "您已被邀请加入企业空间 {workspace}",
        "{user}，您好：\n\n{by} 已将您加入企业空间 {workspace}，角色为 {role}。登录后即可在企业空间列表中看到。\n",
    ),
    Occasion.DISABLED: (
        "您的账户 {user} 已被禁用",
        "{user}，您好：\n\n您的账户已被禁用，所有会话均已结束。在管理员重新启用之前，无法使用该账户登录。\n",
    ),
}
LANGUAGES: Mapping[str, Mapping[Occasion, tuple[str, str]]] = {"en": EN, "zh": ZH}


def clean(word: str) -> str:
    """One printable line of bounded length: nothing that ends a header, hides or turns text around."""
    return cleaned_text(word, LONGEST_WORD)


def cleaned_text(text: str, longest: int) -> str:
    """The same for a text of another length."""
    kept = "".join(" " if unicodedata.category(c) in UNPRINTABLE else c for c in text[: 2 * longest])
    return " ".join(kept.split())[:longest]


def worded(occasion: Occasion, lang: str, words: Mapping[str, str]) -> tuple[str, str]:
    """Subject and body, in the language of a tag such as `zh-CN` (RFC 5646: its first part counts)."""
    subject, body = LANGUAGES.get(lang.replace("_", "-").partition("-")[0].lower(), EN)[occasion]
    cleaned = {name: clean(word) for name, word in words.items()}
    return subject.format_map(cleaned), body.format_map(cleaned)
