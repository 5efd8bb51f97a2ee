/** A file that holds, with something of everything. The line numbers below are its own. */
export const GOOD = `# yaml-language-server: $schema=./rules.schema.json
version: 1
eligible:
  - reason: spam
    when: '!("spam" in thread.tags)'
fields:
  - field: leadSource
    value: LiveChat
    write: on-create
  - field: firstName
    from: visitor.firstName
    transform: [trim]
    write: if-empty
  - field: phone
    from: [visitor.phone, form.byType.phone]
    transform: [{ phone: visitor.location.countryCode }]
    write: if-empty
  - field: lastChatAt
    from: thread.endedAt
    write: if-newer
  - field: chatCount
    from: visitor.counts.threads
    write: if-greater
  - field: chatTags
    from: thread.tags
    write: append
    separator: "; "
  - field: lastChatTopic
    from: 'visitor.variables["topic"] + "!"'
    when: thread.rating.score == "good" && lead.leadStatus != "Lost"
    write: always
  - group: location
    write: if-empty
    fields:
      - field: country
        from: visitor.location.country
      - field: city
        from: visitor.location.city
`;

/** What is replaced, by what, on which line the mistake is told, and what the message must say. */
export const MUTATIONS: [was: string, becomes: string, line: number, says: RegExp][] = [
  // The file as a whole
  ['version: 1', 'version: 2', 2, /version must be 1$/],
  ['version: 1', 'version: "1"', 2, /version must be 1/],
  ['version: 1\n', '', 2, /version must be 1/],
  ['version: 1', 'vresion: 1', 2, /vresion is not a key of this file; did you mean version\?/],
  ['eligible:', 'eligable:', 3, /eligable is not a key.*did you mean eligible\?/],
  [
    '\nfields:\n  - field: lead',
    '\nrules:\n  - field: lead',
    6,
    /rules is not a key of this file: it has version, eligible, fields/,
  ],
  ['    value: LiveChat', '   value: LiveChat', 8, /Sequence item without -.*indented alike/],
  ['[trim]', '[trim', 13, /flow sequence|\]/i],
  ['    from: visitor.firstName', '    from: visitor.firstName\n    from: visitor.name', 12, /keys must be unique/],
  ['\'!("spam" in thread.tags)\'', '!("spam" in thread.tags)', 5, /tag|flow/i],
  // Keys
  ['from: visitor.firstName', 'form: visitor.firstName', 11, /form is not a key here; did you mean from\?/],
  ['    write: on-create', '    wirte: on-create', 9, /wirte is not a key here; did you mean write\?/],
  ['transform: [trim]', 'transforms: [trim]', 12, /did you mean transform\?/],
  ['    separator: "; "', '    seperator: "; "', 27, /did you mean separator\?/],
  ['  - group: location', '  - gruop: location', 32, /gruop/],
  ['      - field: city', '      - feild: city', 37, /feild is not a key here; did you mean field\?/],
  [
    '        from: visitor.location.city',
    '        from: visitor.location.city\n        write: always',
    39,
    /write is not a key here/,
  ],
  ['  - reason: spam', '  - raeson: spam', 4, /raeson is not a key here; did you mean reason\?/],
  ['    write: on-create\n', '', 7, /write must be on-create, if-empty, if-newer/],
  // Write modes
  ['write: on-create', 'write: on-craete', 9, /did you mean on-create\?/],
  ['write: if-newer', 'write: if-never', 20, /did you mean if-newer\?/],
  ['write: always', 'write: true', 31, /write must be on-create, if-empty/],
  ['    write: if-empty\n    fields', '    write: append\n    fields', 33, /in a group/],
  [
    '    write: append\n    separator: "; "',
    '    write: always\n    separator: "; "',
    27,
    /separator belongs to write: append/,
  ],
  // Sources
  ['from: visitor.firstName', 'from: visitor.fristName', 11, /did you mean visitor.firstName\?/],
  ['from: thread.endedAt', 'from: thread.endedat', 19, /did you mean thread.endedAt\?/],
  ['from: thread.endedAt', 'from: chat.endedAt', 19, /chat.endedAt is not a path/],
  ['form.byType.phone]', 'form.byType]', 15, /lacks a name at its end/],
  ['from: thread.tags', 'from: thread.properties.routing', 25, /lacks a namespace or a name/],
  [
    'from: visitor.location.country\n',
    'from: visitor.location\n',
    36,
    /several values: name one of visitor.location.country/,
  ],
  ['    value: LiveChat', '    from: LiveChat', 8, /a constant is written value: LiveChat/],
  ['    value: LiveChat', '    value: LiveChat\n    from: visitor.name', 7, /needs either from .* or value/],
  ['    value: LiveChat\n', '', 7, /needs either from .* or value/],
  ['    value: LiveChat', '    value: ""', 8, /value must not be empty/],
  ['    value: LiveChat', '    value: LiveChat\n    transform: [lower]', 9, /transform belongs to from/],
  // Fields
  ['field: firstName', 'field: first name', 10, /REST name/],
  ['field: firstName', 'field: email', 10, /email is the key by which leads are found/],
  ['field: firstName', 'field: id', 10, /Marketo’s own key/],
  ['field: firstName', 'field: leadSource', 10, /leadSource stands in two rules/],
  // Transforms
  ['[trim]', '[tirm]', 12, /tirm is not a transform; did you mean trim\?/],
  ['[trim]', 'trim', 12, /transform must be a list/],
  ['[trim]', '[{ truncate: 0 }]', 12, /whole number of characters/],
  ['[trim]', '[{ date: Europe/Berlln }]', 12, /not a time zone/],
  [
    '{ phone: visitor.location.countryCode }',
    '{ phone: visitor.location.contryCode }',
    16,
    /did you mean visitor.location.countryCode\?/,
  ],
  ['{ phone: visitor.location.countryCode }', '{ phone: ZZ }', 16, /ZZ is not the code of a country/],
  // Expressions
  ['thread.rating.score == "good"', 'thread.rating.scor == "good"', 30, /did you mean thread.rating.score\?/],
  ['thread.rating.score == "good" &&', 'thread.rating.score == &&', 30, /not valid/],
  ['thread.rating.score == "good"', 'thread.rating.score == 1', 30, /no such overload: string == int/],
  [
    'thread.rating.score == "good" && lead.leadStatus != "Lost"',
    'thread.rating.score',
    30,
    /must be true or false, and it gives a text/,
  ],
  ['thread.rating.score == "good"', 'has(thread.rating)', 30, /write isEmpty/],
  ['thread.rating.score == "good"', 'thread.startUrl.matches("(a+)+$")', 30, /use contains, startsWith or endsWith/],
  ['lead.leadStatus != "Lost"', 'lead.phone != ""', 28, /reads lead.phone, which a rule writes/],
  ['lead.leadStatus != "Lost"', 'lead.updatedAt != ""', 28, /reads lead.updatedAt, which every write changes/],
  ['in thread.tags', 'in lead.tags', 5, /judged before its lead is looked up/],
  ['"topic"] + "!"', '"topic"] + size("!")', 29, /no such overload/],
  // Against Marketo
  ['field: country', 'field: Country', 35, /did you mean country\? \(names are case-sensitive\)/],
  ['field: city', 'field: mktoName', 37, /mktoName is read-only/],
  ['field: city', 'field: billingCity', 37, /belongs to the company/],
  [
    'field: leadSource\n    value: LiveChat',
    'field: priority\n    value: LiveChat',
    7,
    /priority is of type integer, and the constant "LiveChat" is none/,
  ],
  ['field: lastChatAt', 'field: lastChatRating', 18, /write: if-newer is for dates and times/],
  ['field: chatCount', 'field: department', 21, /write: if-greater is for numbers/],
  ['field: chatTags', 'field: chatSourceUrl', 24, /write: append is for text/],
  [
    'field: lastChatAt\n    from: thread.endedAt\n    write: if-newer',
    'field: priority\n    from: thread.endedAt\n    write: always',
    18,
    /thread.endedAt gives a time/,
  ],
  ['lead.leadStatus', 'lead.leadSttus', 28, /reads lead.leadSttus: .*did you mean leadStatus\?/],
];
