//! Bodies that attack whoever reads XML: each is refused, for the reason that is written beside it.

use std::time::{Duration, Instant};

use wxgate::domain::push::payload::{MAX_BODY, Malformed, Payload};

const MESSAGE: &str = "<MsgType>text</MsgType>";

/// What is done to a reader, the body, and the rule that it breaks.
#[rustfmt::skip]
#[expect(clippy::too_many_lines, reason = "a table")]
fn attacks() -> Vec<(&'static str, Vec<u8>, Malformed)> {
    use Malformed::{
        Attribute, Depth, Encoding, Format, Markup, Mixed, Nul, Repeated, Root, Size, Syntax, TooLong, Trailing,
    };
    let laughs: Vec<String> = (1..10)
        .map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)))
        .collect();
    let laughs = laughs.concat();
    let flood: Vec<String> = (0..4000).map(|n| format!("a{n}='x' ")).collect();
    let flood = format!("<xml {}/>", flood.concat());
    let quadratic = format!("<!DOCTYPE xml [<!ENTITY a \"{}\">]><xml>{}</xml>", "a".repeat(20_000), "&a;".repeat(5000));
    let utf16: Vec<u8> = "\u{feff}<xml/>".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let utf16_little: Vec<u8> = "\u{feff}<xml/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let text = |name, body: &str, rule| (name, body.as_bytes().to_vec(), rule);
    vec![
        // Entities and document types.
        text("a local file as an entity", "<!DOCTYPE xml [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><xml><A>&x;</A></xml>", Markup),
        text("an address as an entity", "<!DOCTYPE xml [<!ENTITY x SYSTEM \"http://127.0.0.1/\">]><xml><A>&x;</A></xml>", Markup),
        text("a public entity", "<!DOCTYPE xml PUBLIC \"-//x\" \"http://127.0.0.1/x.dtd\"><xml/>", Markup),
        text("an external document type", "<!DOCTYPE xml SYSTEM \"http://127.0.0.1/x.dtd\"><xml/>", Markup),
        text("a parameter entity", "<!DOCTYPE xml [<!ENTITY % p SYSTEM \"file:///etc/hostname\"> %p;]><xml/>", Markup),
        text("a parameter entity that sends a file", "<!DOCTYPE xml [<!ENTITY % f SYSTEM \"file:///etc/hostname\"><!ENTITY % e \"<!ENTITY s SYSTEM 'http://127.0.0.1/?%f;'>\">%e;]><xml>&s;</xml>", Markup),
        text("a command as an entity", "<!DOCTYPE xml [<!ENTITY x SYSTEM \"expect://id\">]><xml>&x;</xml>", Markup),
        text("a billion laughs", &format!("<!DOCTYPE xml [<!ENTITY l0 \"lol\">{laughs}]><xml><A>&l9;</A></xml>"), Markup),
        ("quadratic blow-up", quadratic.into_bytes(), Markup),
        text("an entity of its own", "<!DOCTYPE xml [<!ENTITY x \"event\">]><xml><MsgType>&x;</MsgType></xml>", Markup),
        text("an entity that contains itself", "<!DOCTYPE xml [<!ENTITY x \"&x;\">]><xml>&x;</xml>", Markup),
        text("a document type without entities", "<!DOCTYPE xml><xml/>", Markup),
        text("a document type in lower case", "<!doctype xml [<!ENTITY x \"y\">]><xml/>", Markup),
        text("a document type after the declaration", "<?xml version=\"1.0\"?>\n<!DOCTYPE xml>\n<xml/>", Markup),
        text("a document type in the root", "<xml><!DOCTYPE xml [<!ENTITY x \"y\">]><A>&x;</A></xml>", Markup),
        text("a document type after the root", "<xml/><!DOCTYPE xml>", Markup),
        text("a document type that does not end", "<!DOCTYPE xml [<!ENTITY x \"y\"><xml/>", Syntax),
        text("an entity that nobody declared", "<xml><A>&x;</A></xml>", Markup),
        text("an entity of HTML", "<xml><A>a&nbsp;b</A></xml>", Markup),
        text("an entity outside of the root", "&lt;xml/&gt;", Format),
        text("an entity after the root", "<xml/>&amp;", Trailing),
        text("an ampersand alone", "<xml><A>a & b</A></xml>", Syntax),
        text("an entity without its semicolon", "<xml><A>&amp</A></xml>", Syntax),
        text("an attribute list", "<!DOCTYPE xml [<!ATTLIST A x CDATA \"y\">]><xml><A/></xml>", Markup),
        text("a conditional section", "<xml><![INCLUDE[<A/>]]></xml>", Syntax),
        // Processing instructions, declarations and comments.
        text("a style sheet", "<?xml-stylesheet type=\"text/xsl\" href=\"http://127.0.0.1/\"?><xml/>", Markup),
        text("an instruction in the root", "<xml><?php echo 1;?><A/></xml>", Markup),
        text("an instruction after the root", "<xml/><?x?>", Markup),
        text("two declarations", "<?xml version=\"1.0\"?><?xml version=\"1.0\"?><xml/>", Markup),
        text("a declaration in the root", "<xml><?xml version=\"1.0\"?></xml>", Markup),
        text("a declaration that does not end", "<?xml version=\"1.0\"", Syntax),
        text("a comment that splits a value", "<xml><MsgType>te<!-- -->xt</MsgType></xml>", Markup),
        text("a comment that hides a member", "<xml><!--<MsgType>event</MsgType>--><MsgType>text</MsgType></xml>", Markup),
        text("a comment before the root", "<!-- --><xml/>", Markup),
        text("a comment after the root", "<xml/><!-- -->", Markup),
        // Attributes and names.
        text("XInclude", "<xml xmlns:xi=\"http://www.w3.org/2001/XInclude\"><xi:include href=\"file:///etc/passwd\"/></xml>", Attribute),
        text("a type for SOAP", "<xml><A xsi:type=\"java.lang.Runtime\"/></xml>", Attribute),
        text("a base address", "<xml><A xml:base='http://127.0.0.1/'/></xml>", Attribute),
        text("an entity in an attribute", "<xml><A x=\"&x;\"/></xml>", Attribute),
        text("a flood of attributes", &flood, Attribute),
        text("two attributes of one name", "<xml><A x='1' x='2'/></xml>", Attribute),
        text("a prefix", "<xml><x:MsgType>event</x:MsgType></xml>", Syntax),
        text("a name that is none", "<xml><1/></xml>", Syntax),
        text("a name for a query", "<xml><$where>1</$where></xml>", Syntax),
        text("a name without end", &format!("<xml><{}/></xml>", "a".repeat(60_000)), Size),
        // Roots and what is beside them.
        text("another root", "<html><MsgType>text</MsgType></html>", Root),
        text("a root in capitals", "<XML><MsgType>text</MsgType></XML>", Root),
        text("a root with a prefix", "<a:xml><MsgType>text</MsgType></a:xml>", Root),
        text("two roots", &format!("<xml>{MESSAGE}</xml><xml><MsgType>event</MsgType></xml>"), Trailing),
        text("text after the root", &format!("<xml>{MESSAGE}</xml>success"), Trailing),
        text("JSON after the root", &format!("<xml>{MESSAGE}</xml>{{\"MsgType\":\"event\"}}"), Trailing),
        text("CDATA after the root", "<xml/><![CDATA[x]]>", Trailing),
        text("CDATA before the root", "<![CDATA[<xml/>]]>", Syntax),
        text("an end after the root", "<xml/></xml>", Syntax),
        text("nothing but a declaration", "<?xml version=\"1.0\"?>", Syntax),
        text("text in the root", "<xml>text<MsgType>text</MsgType></xml>", Mixed),
        text("text beside an element", "<xml><MsgType>te<x/>xt</MsgType></xml>", Mixed),
        // Two readings.
        text("two types", "<xml><MsgType>text</MsgType><MsgType>event</MsgType></xml>", Repeated),
        text("two senders", "<xml><FromUserName>a</FromUserName><A/><FromUserName>b</FromUserName></xml>", Repeated),
        text("two ciphertexts", "<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>", Repeated),
        text("an empty type and another", "<xml><MsgType/><MsgType>event</MsgType></xml>", Repeated),
        text("CDATA that ends too early", "<xml><Content><![CDATA[a]]></Content><MsgType>event</MsgType><Content>]]></Content></xml>", Repeated),
        text("CDATA that does not end", "<xml><A><![CDATA[x</A></xml>", Syntax),
        text("an element that does not end", "<xml><A>x</xml>", Syntax),
        text("elements that cross", "<xml><A><B></A></B></xml>", Syntax),
        text("a tag that does not end", "<xml><A", Syntax),
        text("a tag in a tag", "<xml><A<B></A></xml>", Syntax),
        // Characters and encodings.
        text("NUL", "<xml><A>\0</A></xml>", Nul),
        text("NUL by number", "<xml><A>&#0;</A></xml>", Syntax),
        text("NUL by hexadecimal number", "<xml><A>&#x00;</A></xml>", Syntax),
        text("half a character by number", "<xml><A>&#xD800;</A></xml>", Syntax),
        text("a character beyond all", "<xml><A>&#x110000;</A></xml>", Syntax),
        text("a number that overflows", "<xml><A>&#99999999999999999999;</A></xml>", Syntax),
        text("no number", "<xml><A>&#;</A></xml>", Syntax),
        ("UTF-16, big end first", utf16, Encoding),
        ("UTF-16, little end first", utf16_little, Encoding),
        ("an overlong `<`", b"<xml><A>\xc0\xbc</A></xml>".to_vec(), Encoding),
        ("half a character", b"<xml><A>\xed\xa0\x80</A></xml>".to_vec(), Encoding),
        ("a character cut short", b"<xml><A>\xe4\xbd".to_vec(), Encoding),
        text("said to be GBK", "<?xml version=\"1.0\" encoding=\"GBK\"?><xml/>", Encoding),
        text("said to be UTF-16", "<?xml version=\"1.0\" encoding=\"UTF-16\"?><xml/>", Encoding),
        text("UTF-7", "<?xml version=\"1.0\" encoding=\"UTF-7\"?>+ADw-xml+AD4-", Encoding),
        // Sizes.
        text("deep nesting", &format!("<xml>{}{}</xml>", "<a>".repeat(9000), "</a>".repeat(9000)), Depth),
        text("deep nesting that does not end", &format!("<xml>{}", "<a>".repeat(20_000)), Depth),
        text("many elements", &format!("<xml>{}</xml>", "<a/>".repeat(16_000)), Size),
        text("a long body", &format!("<xml><A>{}</A></xml>", "a".repeat(MAX_BODY)), TooLong),
        text("many blanks and nothing", &" ".repeat(MAX_BODY), Format),
    ]
}

#[test]
fn every_attack_is_refused_for_its_reason() {
    let attacks = attacks();
    assert!(attacks.len() >= 80, "{}", attacks.len());
    let begun = Instant::now();
    for (name, body, rule) in &attacks {
        assert_eq!(Payload::parse(body), Err(*rule), "{name}");
    }
    // All of them together take a few milliseconds; what blows up would take minutes.
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn what_only_looks_like_an_attack_is_text() {
    for text in [
        "<!DOCTYPE xml [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>",
        "&x; &amp; &#0;",
        "<?xml version=\"1.0\"?><!-- -->",
        "</Content></xml><xml>",
        "]] ]> > ]",
        "\u{1f600} \u{feff} \u{1} \r\n",
    ] {
        let body = format!("<xml><Content><![CDATA[{text}]]></Content></xml>");
        let read = Payload::parse(body.as_bytes()).unwrap();
        assert_eq!(read.text("Content").unwrap(), text);
        assert_eq!(read.members.len(), 1);
    }
    let split = "<xml><Content><![CDATA[]]]]><![CDATA[>]]>&#x41;&lt;</Content></xml>";
    assert_eq!(
        Payload::parse(split.as_bytes()).unwrap().text("Content").unwrap(),
        "]]>A<"
    );
}
