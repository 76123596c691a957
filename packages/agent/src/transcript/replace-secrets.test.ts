import { describe, expect, it } from 'vitest';

import { createSecretReplacer } from './replace-secrets.ts';

const ESC = '\u001b';
const BEL = '\u0007';
const secret = 'canary-4f/9A+Zk=longer';
const replacer = createSecretReplacer([secret], new Uint8Array(32));

const replaced = (text: string): string => Buffer.from(replacer.bytes(Buffer.from(text))).toString();
/** What the secret is replaced by. */
const stand = replacer.text(secret);

describe('a secret in a recording', () => {
  it('gets a stand-in of the same length and shape', () => {
    expect(stand).toMatch(/^[a-z]{6}-\d[a-z]\/\d[A-Z]\+[A-Z][a-z]=[a-z]{6}$/);
    expect(stand).not.toBe(secret);
  });

  it.each([
    ['as it is', (text: string) => `token ${text} ok`],
    ['twice', (text: string) => `${text} ${text}`],
    ['percent-encoded', (text: string) => `https://x.test/?state=${encodeURIComponent(text)}&a=1`],
    ['percent-encoded in lower case', (text: string) => encodeURIComponent(text).replaceAll('%2F', '%2f')],
    ['percent-encoded twice', (text: string) => encodeURIComponent(encodeURIComponent(text))],
    ['in JSON that escapes slashes', (text: string) => JSON.stringify({ text }).replaceAll('/', '\\/')],
    ['in JSON that escapes signs by number', (text: string) => `"${text.replaceAll('+', '\\u002b')}"`],
    [
      'as the target of a hyperlink',
      (text: string) => `${ESC}]8;id=1;https://x.test/${text}${BEL}here${ESC}]8;;${BEL}`,
    ],
    ['in a title', (text: string) => `${ESC}]0;${text}${ESC}\\`],
    ['broken by colours', (text: string) => `${text.slice(0, 5)}${ESC}[38;5;246m${text.slice(5)}`],
    ['broken over indented lines', (text: string) => `${text.slice(0, 9)}${ESC}[39m\r\r\n  │ ${text.slice(9)}`],
    [
      'broken over lines that each carry the whole link',
      (text: string) =>
        [text.slice(0, 9), text.slice(9)]
          .map((row) => `${ESC}]8;;https://x.test/${text}${BEL}${row}${ESC}]8;;${BEL}`)
          .join('\r\n'),
    ],
    ['broken by colours of eight bits', (text: string) => `${text.slice(0, 5)}\u009b31m${text.slice(5)}`],
    ['drawn row by row', (text: string) => `${ESC}[3;1H${text.slice(0, 9)}${ESC}[4;1H${text.slice(9)}`],
  ])('is replaced %s, and nothing else changes', (_name, write) => {
    expect(replaced(`größer ${write(secret)} │ end`)).toBe(`größer ${write(stand)} │ end`);
    expect(replacer.left(Buffer.from(write(secret)))).toBe(1);
    expect(replacer.left(Buffer.from(write(stand)))).toBe(0);
  });

  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const forClipboard = (text: string): string => `${ESC}]52;c;${text}${BEL}`;

  it.each([
    ['for the clipboard', (text: string) => forClipboard(base64(text))],
    ['one byte on', (text: string) => forClipboard(base64(`x${text}`))],
    ['two bytes on, with more behind', (text: string) => forClipboard(base64(`xy${text} and more`))],
    ['for the clipboard of an outer tmux', (text: string) => `${ESC}Ptmux;${ESC}${forClipboard(base64(text))}${ESC}\\`],
    [
      'as a parameter of a link',
      (text: string) => forClipboard(base64(`https://x.test/?state=${encodeURIComponent(text)}&scope=all`)),
    ],
    ['in the alphabet of URLs', (text: string) => `seen ${Buffer.from(`?>${text}?>`).toString('base64url')} here`],
    ['on the screen, over two lines', (text: string) => `${base64(text).slice(0, 9)}\r\n  ${base64(text).slice(9)}`],
    ['twice', (text: string) => forClipboard(base64(`{"token":"${base64(text)}"}`))],
    [
      'for the clipboard of an outer GNU screen, in pieces',
      (text: string) =>
        (forClipboard(base64(`${text} and more`)).match(/[^]{1,20}/g) ?? [])
          .map((piece) => `${ESC}P${piece}${ESC}\\`)
          .join(''),
    ],
    [
      'in two commands',
      (text: string) => `${ESC}_Gm=1;${base64(text).slice(0, 16)}${ESC}\\${ESC}_Gm=0;${base64(text).slice(16)}${ESC}\\`,
    ],
    ['in a command with controls of eight bits', (text: string) => `\u009d52;c;${base64(text)}\u009c and more`],
    ['in JSON, with the ends of lines', (text: string) => `"${base64(text).replaceAll(/.{16}/g, '$&\\n')}"`],
  ])('is replaced in base64 %s, and nothing else changes', (_name, write) => {
    expect(replaced(`größer ${write(secret)} │ end`)).toBe(`größer ${write(stand)} │ end`);
    expect(replacer.left(Buffer.from(write(secret)))).toBe(1);
    expect(replacer.left(Buffer.from(write(stand)))).toBe(0);
  });

  const signs = 'aa?>~ab?~>b?>?canary-01?';

  it.each([
    ['in a URL', (text: string) => `https://x.test/?d=${encodeURIComponent(base64(text))}`],
    ['in a URL in a URL', (text: string) => encodeURIComponent(encodeURIComponent(base64(`x${text}`)))],
    ['in JSON that escapes slashes', (text: string) => `"${base64(text).replaceAll('/', '\\/')}"`],
    ['in JSON that escapes signs by number', (text: string) => `"${base64(text).replaceAll('/', '\\u002f')}"`],
  ])('does not stay in base64 whose signs are encoded %s', (_name, write) => {
    const both = createSecretReplacer([signs], new Uint8Array(32));
    const shown = Buffer.from(both.bytes(Buffer.from(write(signs))));
    expect(both.left(Buffer.from(write(signs)))).toBe(1);
    expect(both.left(shown)).toBe(0);
    expect(shown).toHaveLength(write(signs).length);
  });

  it('leaves base64 without a secret as it was, whatever its last bits are', () => {
    for (const text of ['QUJDREVGR0hJSksM', 'QUJDREVGR0hJSkt/', '-_-_QUJDREVGR0hJSks9', '/+/+/+/+/+/+/+/+/+/+/']) {
      expect(replaced(text)).toBe(text);
    }
  });

  it('keeps the beginning by which manifests know a token', () => {
    const token = 'sk-ant-oat01-abcDEF123456';
    expect(createSecretReplacer([token], new Uint8Array(32)).text(token)).toMatch(
      /^sk-ant-oat01-[a-z]{3}[A-Z]{3}\d{6}$/,
    );
  });

  it('is replaced as a whole where another one is its beginning', () => {
    const both = createSecretReplacer(['abcd1234', 'abcd1234efgh5678'], new Uint8Array(32));
    expect(both.text('abcd1234efgh5678')).toBe(
      createSecretReplacer(['abcd1234efgh5678'], new Uint8Array(32)).text('abcd1234efgh5678'),
    );
  });

  it('cannot be guessed without the key', () => {
    expect(createSecretReplacer([secret], new Uint8Array(32).fill(1)).text(secret)).not.toBe(stand);
  });
});
