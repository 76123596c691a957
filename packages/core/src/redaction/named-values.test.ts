import { describe, expect, it } from 'vitest';

import { namedValuesIn } from './named-values.ts';

const valuesOf = (text: string, name: string): readonly string[] =>
  namedValuesIn(text)
    .filter((found) => found.name === name)
    .map(({ value }) => value);

describe('the named values of a text', () => {
  it.each([
    ['JSON', '{"token":"hunter2-hunter2","x":1}'],
    ['JSON that is cut off', '{"x": {"token": "hunter2-hunter2'],
    ['JSON with comments', '{\n  // mine\n  "token": /* old */ "hunter2-hunter2", // x\n}'],
    ['JSON5', "{token: 'hunter2-hunter2',}"],
    ['TOML', '[auth]\ntoken = "hunter2-hunter2" # mine\n'],
    ['TOML with a literal string', "token = 'hunter2-hunter2'\n"],
    ['TOML with a long string', 'token = """\nhunter2-hunter2"""\n'],
    ['YAML', 'github.com:\n    token: hunter2-hunter2\n    user: ada\n'],
    ['YAML with quotes', "- 'token': 'hunter2-hunter2'\n"],
    ['YAML with a block', 'token: >-\n  hunter2-hunter2\nuser: ada\n'],
    ['a flow of YAML', '{host: {token: hunter2-hunter2, user: ada}}'],
    ['INI', 'token=hunter2-hunter2\r\n'],
    ['a sentence', 'not JSON: token = hunter2-hunter2'],
    ['names without space', 'error:token:hunter2-hunter2'],
    ['a file of variables', 'export token=hunter2-hunter2\n'],
  ])('are found in %s', (_format, text) => {
    expect(valuesOf(text, 'token').map((value) => value.replace(/"+$/, ''))).toEqual(['hunter2-hunter2']);
  });

  it('are those of as many names as a hostile text has, in a moment', () => {
    for (const part of ['a', 'a ', '"', 'a:', 'a: /*', 'a=|\n', '\ta-', 'a: b =']) {
      expect(namedValuesIn(part.repeat(100_000)).length).toBeLessThanOrEqual(100_000);
    }
  });
});
