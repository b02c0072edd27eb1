"""The simulators' page for people: who is simulated, what each was ordered to do wrong, and buttons to order it."""

from html import escape

from pavilion.provenance.registries.orders import MARKS, Fault, Mark
from pavilion.provenance.registries.world import World

NAMES = {
    "own-production": ("Own-production database of a producer", "生产商自有数据库"),
    "shared-producer": ("Registry shared by many producers", "多家生产商共用的登记库"),
    "match": ("Scan match between rough and polished", "原石与成品扫描比对"),
    "laboratory": ("Laboratories", "鉴定机构"),
    "kp": ("Kimberley Process authority", "金伯利进程主管机构"),
    "rjc": ("Responsible Jewellery Council members", "责任珠宝业委员会会员名单"),
    "warranty": ("System of Warranties register", "保证体系登记"),
    "sanctions": ("Sanctions list", "制裁名单"),
}
FAULTS = {
    None: ("in order", "正常"),
    Fault.SLOW: ("slow", "缓慢"),
    Fault.DOWN: ("down", "停机"),
    Fault.DROP: ("hangs up", "中断连接"),
    Fault.GARBLE: ("garbled", "乱码"),
    Fault.LYING: ("lying", "说谎"),
    Fault.SWAPPED: ("answers about something else", "答非所问"),
}
DEEDS = {
    Mark.WITHDRAWN: ("Withdraw report number", "撤回证书编号"),
    Mark.STOLEN: ("Report as stolen: origin ID", "报失：来源编号"),
    Mark.REVOKE: ("Revoke the grading: origin ID", "撤销鉴定：来源编号"),
    Mark.USED: ("Use up certificate number", "用尽证书额度：证书编号"),
    Mark.LAPSED: ("Let lapse: company or number", "使失效：公司或编号"),
    Mark.LISTED: ("Put on the list: name", "列入名单：名称"),
}
WORDS = {
    "title": ("Simulated registries", "模拟登记机构"),
    "about": (
        "Everything here is invented. No answer on this port comes from a real registry, laboratory or authority.",
        "此处一切均为虚构。本端口的回答均非来自真实的登记机构、鉴定机构或主管机构。",
    ),
    "state": ("State", "状态"),
    "well": ("Back in order", "恢复正常"),
    "all": ("Everything back in order", "全部恢复正常"),
    "undo": ("Take back", "撤销"),
    "do": ("Do it", "执行"),
    "empty": ("No signed files yet: nothing is known.", "尚无签名文件：一无所知。"),
    "stones": ("stones in the files", "颗裸石已登记"),
    "questions": ("questions answered", "个问题已回答"),
}
STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1b1a18;
background:#faf9f6}h1{font-size:1.5rem}section{border-top:1px solid #d8d4cb;padding:.75rem 0}h2{font-size:1.05rem;
margin:0}form{display:inline-flex;flex-wrap:wrap;gap:.4rem;margin:.3rem .4rem .3rem 0}label{align-self:center}
button,input{font:inherit;padding:.35rem .6rem;border:1px solid #8a857a;border-radius:4px;background:#fff;
min-height:2.4rem}.bad{font-weight:600;color:#9b1c1c}.note{color:#5d5950}"""


def html(world: World, lang: str) -> str:
    place = 1 if lang == "zh" else 0

    def say(key: str) -> str:
        return escape(WORDS[key][place])

    files = world.files
    known = say("empty") if files is None else f"{files.count:,} {say('stones')}"
    parts = [
        f'<!doctype html><html lang="{"zh-Hans" if place else "en"}"><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{say('title')}</title><style>{STYLE}</style>",
        f"<h1>{say('title')}</h1><p>{say('about')}</p>",
        f'<p class="note">{known} · {world.asked.total():,} {say("questions")} · ',
        '<a href="/?lang=en" lang="en">English</a> · <a href="/?lang=zh" lang="zh">中文</a></p>',
        _button("*", "well", say("all"), lang),
        *(_section(world, name, place, lang) for name in NAMES),
    ]
    return "\n".join(parts)


def _section(world: World, name: str, place: int, lang: str) -> str:
    fault = world.orders.fault(name)
    state = f'<span class="{"bad" if fault else "note"}">{escape(FAULTS[fault][place])}</span>'
    heading = f"<h2>{escape(NAMES[name][place])} <code>{name}</code></h2>"
    parts = [f"<section>{heading}<p>{escape(WORDS['state'][place])}: {state}</p>"]
    if fault is not None:
        parts.append(_button(name, "well", escape(WORDS["well"][place]), lang))
    parts += [_button(name, each, escape(FAULTS[each][place]), lang) for each in Fault if each is not fault]
    for mark in MARKS[name]:
        parts.append(_deed(name, mark, place, lang))
        for key in world.orders.all_marked(name, mark):
            undo = f"{escape(WORDS['undo'][place])}: {escape(key)}"
            parts.append(_button(name, f"not-{mark.value}", undo, lang, key))
    return "\n".join([*parts, "</section>"])


def _deed(name: str, mark: Mark, place: int, lang: str) -> str:
    field = f"{name}-{mark.value}"
    return (
        f'<form method="post" action="/control">{_hidden(name, mark.value, lang)}'
        f'<label for="{field}">{escape(DEEDS[mark][place])}</label>'
        f'<input id="{field}" name="key" required maxlength="200">'
        f"<button>{escape(WORDS['do'][place])}</button></form>"
    )


def _button(name: str, order: str, text: str, lang: str, key: str | None = None) -> str:
    more = "" if key is None else f'<input type="hidden" name="key" value="{escape(key)}">'
    hidden = _hidden(name, order, lang)
    return f'<form method="post" action="/control">{hidden}{more}<button>{text}</button></form>'


def _hidden(name: str, order: str, lang: str) -> str:
    said = {"registry": name, "order": order, "lang": lang}
    return "".join(f'<input type="hidden" name="{k}" value="{escape(v)}">' for k, v in said.items())
