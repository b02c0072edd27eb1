"""What a rule says of a stone, in the two languages in which a notice is written into the book.

The pages say the same by their catalogues; a test holds the two together. A notice is frozen when it is written, by a
process that serves no pages.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Said(NamedTuple):
    en: str
    zh: str


RULES: Mapping[str, Said] = {
    "ID-01": Said("The stone's line does not lead back to one mine.", "该裸石的来源无法追溯至单一矿山。"),
    "ID-02": Said("A piece of its line was made or used twice.", "其来源链中的某一石料被重复产出或重复使用。"),
    "ID-03": Said(
        "Its report number or inscription already belongs to another stone.", "其证书编号或腰码已属于另一颗裸石。"
    ),
    "ID-04": Said("The inscription is missing or does not hold the report number.", "缺少腰码，或腰码与证书编号不符。"),
    "ID-05": Said("The scan match is missing, or shows another stone.", "没有扫描比对结果，或比对显示为另一颗裸石。"),
    "ID-06": Said(
        "A piece of its line is reported lost, stolen or withdrawn.", "其来源链中有石料被报遗失、被盗或撤回。"
    ),
    "MB-01": Said("More mass came out of a cut than went in.", "切磨后的总重超过切磨前的重量。"),
    "MB-02": Said("Mass is missing that the declared loss does not explain.", "有重量缺失，申报的损耗无法解释。"),
    "MB-03": Said(
        "The stones cut from this rough weigh more than the rough.", "由同一毛坯切出的裸石总重超过毛坯重量。"
    ),
    "MB-04": Said("The yield of the cut is not plausible for this shape.", "该形状的成品率不合常理。"),
    "MB-05": Said(
        "The stone or its plan is heavier than the planned piece allows.",
        "裸石或设计方案的重量超出所设计石料的允许范围。",
    ),
    "MB-06": Said("The weights of a parcel do not add up.", "整包重量不相符。"),
    "KP-01": Said("Rough crossed a border without its Kimberley certificate.", "毛坯过境时没有金伯利进程证书。"),
    "KP-02": Said("A Kimberley certificate was not valid on the day.", "金伯利证书在当日无效。"),
    "KP-03": Said(
        "A country on the way does not take part in the Kimberley Process.", "途经国家或地区不是金伯利进程的参与方。"
    ),
    "KP-04": Said("The certificate is not for rough diamonds.", "该证书不是针对毛坯钻石的。"),
    "KP-05": Said(
        "The certificate's number does not fit its issuer, or says something else elsewhere.",
        "证书编号与签发方不符，或在他处内容不同。",
    ),
    "KP-06": Said("A certificate of mixed origin is not taken there any more.", "目的地不再接受混合来源证书。"),
    "KP-07": Said("The certificate does not name the country of the mine.", "证书未列出矿山所在国。"),
    "KP-08": Said("More carats are attributed to the certificate than it holds.", "归入该证书的克拉数超过其载明数量。"),
    "CU-01": Said("Somebody acted who neither owned nor held the stone.", "行事者既非货主，亦非保管方。"),
    "CU-02": Said(
        "Nothing is known of the stone for longer than is allowed.", "有一段超出允许时长的时间没有任何记录。"
    ),
    "CU-03": Said(
        "An event is dated before the one it follows, after its recording, or in the future.",
        "某一事件的日期早于前一事件、晚于其登记时间，或尚未到来。",
    ),
    "CU-04": Said("The stone came back with another weight.", "交还时的重量有变。"),
    "NT-01": Said("No test shows that the finished stone is natural.", "没有检测证明该成品为天然。"),
    "NT-02": Said("Report or inscription speaks of a laboratory-grown stone.", "证书或腰码表明其为实验室培育。"),
    "NT-03": Said(
        "The natural test was referred, or its device is not accepted.", "天然检测结果待复检，或所用仪器未获认可。"
    ),
    "NT-04": Said("The report names a treatment that the listing does not.", "证书载明的处理未在挂牌中说明。"),
    "GR-01": Said(
        "There is no grading report, or it was not read from the laboratory itself.",
        "没有分级证书，或证书未直接取自实验室。",
    ),
    "GR-02": Said(
        "The laboratory is unknown, or the number is not one of its numbers.", "实验室未知，或编号不符合其格式。"
    ),
    "GR-03": Said("A listed grade differs from the report.", "挂牌等级与证书不符。"),
    "GR-04": Said("The weight does not fit the report.", "重量与证书不符。"),
    "GR-05": Said("The dimensions do not fit the weight.", "尺寸与重量不符。"),
    "GR-06": Said("The report is older than the last cut.", "证书早于最后一次切磨。"),
    "GR-07": Said("The report is no longer recent.", "证书已不够新近。"),
    "WA-01": Said("A sale carries no warranty statement valid on its day.", "某次销售没有当日有效的保证声明。"),
    "WA-02": Said("A seller's self-assessment is missing or too old.", "卖方的自我评估缺失或已过期。"),
    "RJ-01": Said("A claim of membership is not on the list.", "所称会员资格不在名单上。"),
    "SG-01": Said("A signature is missing or wrong.", "签名缺失或有误。"),
    "SG-02": Said("A credential has been revoked.", "某一凭证已被撤销。"),
    "SG-03": Said(
        "An event is missing from the record, or the record was changed.", "某一事件不在记录中，或记录已被改动。"
    ),
    "SG-04": Said("An event was signed by somebody not trusted for it.", "某一事件由未获信任的一方签署。"),
    "RG-01": Said("The registry has not answered in a way that can be believed.", "登记机构尚未给出可信的答复。"),
    "RG-02": Said("A registry contradicts the listing.", "登记机构的记录与挂牌不符。"),
    "RG-03": Said("A registry does not know this stone.", "登记机构没有该裸石的记录。"),
    "NM-01": Said("A grade is not a word of the trade for this stone.", "所用等级不是该裸石的行业用语。"),
    "NM-02": Said("The text uses words that a natural catalogue does not.", "文字中使用了天然目录不采用的用语。"),
    "GR-01_withdrawn": Said("The laboratory withdrew its report.", "实验室已撤回其报告。"),
}


def in_words(code: str) -> Said:
    """`The laboratory withdrew its report (GR-01).`"""
    rule, said = code.partition("_")[0], RULES[code]
    return Said(f"{said.en.removesuffix('.')} ({rule}).", f"{said.zh.removesuffix('。')}（{rule}）。")
