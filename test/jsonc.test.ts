import { tryParseJson, tryParseJsonc } from '@sallyport/core/provider';
import { checkProperty } from '@sallyport/testkit';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('JSON with comments', () => {
  it.each<[text: string, value: unknown]>([
    ['{"a":1}', { a: 1 }],
    ['// first\n{"a":1}', { a: 1 }],
    ['{"a":1} // last', { a: 1 }],
    ['{"a":1}\r\n/* last */\r\n', { a: 1 }],
    ['{/**/"a"/*:*/:/* , */1/***/}', { a: 1 }],
    ['{"a":1,}', { a: 1 }],
    ['{"a":[1,2, // two\n],\n/* end */}', { a: [1, 2] }],
    ['{"url":"https://example.com/*,]"}', { url: 'https://example.com/*,]' }],
    [String.raw`{"a":"\"//,}\\"}`, { a: '"//,}\\' }],
    ['[{},[],"",]', [{}, [], '']],
    ['{"a":1,//x\r"b":2}', { a: 1, b: 2 }],
    ['null', null],
  ])('reads %j', (text, value) => {
    expect(tryParseJsonc(text)).toEqual(value);
  });

  it.each([
    '',
    '//',
    '{',
    '{,}',
    '[,]',
    '[1,,]',
    '[1,,2]',
    ',1',
    '{"a":,}',
    '{"a" 1}',
    '1/2',
    '/* {"a":1}',
    '{"a":"',
    '"\\',
  ])('is not %j', (text) => {
    expect(tryParseJsonc(text)).toBeUndefined();
  });

  it('reads plain JSON as a parser of JSON does, also with comments between its tokens', async () => {
    await checkProperty(
      fc.property(fc.json(), (text) => {
        expect(tryParseJsonc(text)).toEqual(tryParseJson(text));
        expect(tryParseJsonc(`/* { */ ${text} // "`)).toEqual(tryParseJson(text));
      }),
      { runs: 300 },
    );
  });

  it('throws for nothing', async () => {
    const pieces = fc.constantFrom(
      '"',
      '\\',
      '/',
      '*',
      '//',
      '/*',
      '*/',
      ',',
      '{',
      '}',
      '[',
      ']',
      ':',
      '1',
      '\n',
      ' ',
      'é',
    );
    await checkProperty(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => void tryParseJsonc(parts.join(''))),
      { runs: 1000 },
    );
  });
});
