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
    ['TOML with a long string in its row', 'token = """hunter2-hunter2"""\n'],
    ['TOML with a long literal string', "token = '''hunter2-hunter2'''\n"],
    ['TOML with an array', 'token = [\n  "hunter2-hunter2", # mine\n]\n'],
    ['TOML with an array of tables', "[[auth]]\r\ntoken = 'hunter2-hunter2'\r\n"],
    ['YAML with an anchor', 'token: &mine hunter2-hunter2\nother: *mine\n'],
    ['YAML with a tag', 'token: !!str "hunter2-hunter2"\n'],
    ['YAML with a list', 'token:\n  - hunter2-hunter2\n'],
    ['YAML with the value below', 'token: # mine\n  hunter2-hunter2\nuser: ada\n'],
    ['YAML with a block and its indentation', 'token: |2- # mine\n\n  hunter2-hunter2\nuser: ada\n'],
    ['JSON with the value below', '{"token" /* mine */: // yours\n"hunter2-hunter2"'],
    ['a file with a byte order mark', '\ufefftoken = "hunter2-hunter2"\r\n'],
    ['a map of a language', "'token' => 'hunter2-hunter2'"],
    ['a sentence with two names', 'error: token: hunter2-hunter2'],
    ['a flow of YAML', '{host: {token: hunter2-hunter2, user: ada}}'],
    ['INI', 'token=hunter2-hunter2\r\n'],
    ['a sentence', 'not JSON: token = hunter2-hunter2'],
    ['names without space', 'error:token:hunter2-hunter2'],
    ['a file of variables', 'export token=hunter2-hunter2\n'],
  ])('are found in %s', (_format, text) => {
    expect(valuesOf(text, 'token').map((value) => value.replace(/"+$/, ''))).toEqual(['hunter2-hunter2']);
  });

  it.each([
    ['a block of YAML', 'token: >-\n  first-half\n  hunter2-second\nuser: ada\n', ['first-half', 'hunter2-second']],
    ['a long string of TOML', "token = '''\nfirst-half\nhunter2-second'''", ['first-half', 'hunter2-second']],
    ['a list', 'token: [first-half, "hunter2-second"]', ['first-half', 'hunter2-second']],
    ['escapes of TOML', 'token = "hun\\"ter2-\\u0041"', ['hun\\"ter2-\\u0041', 'hun"ter2-A']],
    ['a quote of YAML', "token: 'hun''ter2-xx'", ["hun''ter2-xx", "hun'ter2-xx"]],
    ['signs and spaces', 'token: hun,ter2 {x};#y # mine\n', ['hun', 'hun,ter2 {x};#y']],
  ])('are all there of %s', (_format, text, expected) => {
    expect(valuesOf(text, 'token')).toEqual(expected);
  });

  it('are none where a name has other names below it', () => {
    expect(valuesOf('token:\nuser: ada\n', 'token')).toEqual([]);
    expect(valuesOf('token:\n  user: ada\n', 'token')).toEqual([]);
  });

  it('are those of as many names as a hostile text has, in a moment', () => {
    for (const part of [
      'a',
      'a ',
      '"',
      'a:',
      'a: /*',
      'a=|\n',
      '\ta-',
      'a: b =',
      'a:\n',
      'a=[',
      "a='''",
      'a: [b,',
      'a:\n - b',
      'a: & ',
    ]) {
      expect(namedValuesIn(part.repeat(100_000)).length).toBeLessThanOrEqual(200_000);
    }
  });
});
