//! The public library that apps take their templates of subscribe messages from (公共模板库). WeChat's has thousands; these
//! few show every kind of keyword.

use super::subscriptions::{Keyword, Template, Term};
use super::value_rules::Key;

/// The categories of every simulated app: number and name.
pub(crate) const CATEGORIES: &[(u32, &str)] = &[(616, "公交"), (307, "教育信息服务")];

/// A template of the library.
#[derive(Debug)]
pub(crate) struct Public {
    /// Its number.
    pub(crate) tid: u32,
    /// Its title.
    pub(crate) title: &'static str,
    /// Whether one agreement is good for one message.
    pub(crate) term: Term,
    /// Its category.
    pub(crate) category: u32,
    /// The lines to choose from.
    pub(crate) keywords: &'static [Line],
}

/// A line of a template: name, example and kind. The first one's number is 1.
#[derive(Debug)]
pub(crate) struct Line(
    pub(crate) &'static str,
    pub(crate) &'static str,
    pub(crate) &'static str,
);

/// What the simulated `enum_string` lines may say.
const ROOMS: [&str; 3] = ["客厅", "卧室", "厨房"];

/// The whole library.
pub(crate) const LIBRARY: &[Public] = &[
    Public {
        tid: 99,
        title: "付款成功通知",
        term: Term::Once,
        category: 616,
        keywords: &[
            Line("物品名称", "名称", "thing"),
            Line("付款金额", "￥10.00", "amount"),
            Line("付款时间", "2019年10月1日 15:01", "date"),
        ],
    },
    Public {
        tid: 401,
        title: "报名结果通知",
        term: Term::Once,
        category: 307,
        keywords: &[
            Line("会议地点", "TIT会议室", "thing"),
            Line("会议时间", "2016年8月8日", "date"),
            Line("审核结果", "审核通过", "phrase"),
            Line("姓名", "张三", "name"),
            Line("人数", "12", "number"),
            Line("联系电话", "+86-0766-66888866", "phone_number"),
        ],
    },
    Public {
        tid: 616,
        title: "车辆到站提醒",
        term: Term::Long,
        category: 616,
        keywords: &[
            Line("线路", "B12", "character_string"),
            Line("预计到站", "15:01", "time"),
            Line("车牌号", "粤A8Z888", "car_number"),
        ],
    },
    Public {
        tid: 1001,
        title: "设备状态通知",
        term: Term::Once,
        category: 307,
        keywords: &[
            Line("等级", "A", "letter"),
            Line("位置", "客厅", "enum_string"),
            Line("标记", "+", "symbol"),
            Line("说明", "正常", "thing"),
        ],
    },
];

/// A template of the library by its number.
pub(crate) fn find(tid: u32) -> Option<&'static Public> {
    LIBRARY.iter().find(|public| public.tid == tid)
}

impl Public {
    /// The app's own template with these lines in this order; `None` if there is no such line or one stands there twice.
    pub(crate) fn choose(&self, id: String, kids: &[usize]) -> Option<Template> {
        let mut keywords: Vec<Keyword> = Vec::new();
        for kid in kids {
            let Line(name, example, rule) = self.keywords.get(kid.checked_sub(1)?)?;
            let mut key = Key::new(format!("{rule}{kid}"));
            if rule.starts_with("enum") {
                key.values = ROOMS.map(str::to_owned).to_vec();
            }
            if keywords.iter().any(|known| known.key == key) {
                return None;
            }
            keywords.push(Keyword {
                key,
                name: (*name).to_owned(),
                example: (*example).to_owned(),
            });
        }
        Some(Template {
            id,
            title: self.title.to_owned(),
            term: self.term,
            keywords,
        })
    }
}
