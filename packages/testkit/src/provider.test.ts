import { asRecord, tryParseJson, tryParseJsonc } from '@sallyport/core/driver';
import { nonEmpty } from '@sallyport/core/provider';
import type { LoginMethod, Observation, Provider, PromptParser, ProviderManifest } from '@sallyport/core/provider';
import { describe, expect, it } from 'vitest';

import { createFakeProvider } from './fake-cli/provider.ts';
import { describeProvider } from './provider.ts';
import type { ProviderRecordings } from './provider.ts';
import type { Transcript } from './transcript.ts';

/** Each demand of the conformance suite, shown by a provider that does not meet it. */

const link = 'https://login.fake.test/authorize?response_type=code&state=s1';
const token = 'token-FAKE-1-0123456789abcdef';

const transcript = (printed: string): Transcript => ({
  name: 'paste',
  bytes: new TextEncoder().encode(printed),
  columns: 80,
  rows: 24,
  exit: 0,
  pauses: [{ offset: printed.indexOf('\nLogged in.'), silentMs: 2000, until: 'abc\r' }],
});
const printed = `Open this link to sign in:\r\n${link}\r\n\r\nPaste the code: \r\nLogged in.\r\n`;

const credential = (time: number): string => JSON.stringify({ token: `${token}${time}`, account: 'a', issuedAt: time });

/** Reads `{"text":…}` and nothing else, and ends once. */
const parse: PromptParser = {
  initial: () => false,
  step: (ended, seen) => {
    if (ended === true) return { state: true, events: [] };
    if (seen.type === 'exit') {
      const outcome = seen.code === 0 ? 'completed' : 'failed';
      return { state: true, events: [{ type: 'prompt-end', outcome }] };
    }
    if (seen.type === 'rpc') return { state: false, events: [] };
    const text = nonEmpty(asRecord(tryParseJson(seen.line))['text']);
    return { state: false, events: text === undefined ? [] : [{ type: 'text', text }] };
  },
};

const fake = createFakeProvider();
const manifest: ProviderManifest = {
  ...fake.manifest,
  cli: {
    ...fake.manifest.cli,
    lockfile: `{"lockfileVersion":3,"packages":{"node_modules/fake-cli":{"version":"1.0.0","integrity":"sha512-${'A'.repeat(86)}=="}}}`,
  },
  logins: fake.manifest.logins
    .filter(({ id }) => id === 'paste')
    .map((paste) => ({
      ...paste,
      url: {
        ...paste.url,
        sources: ['text'],
        hosts: ['login.fake.test'],
        pathPrefixes: ['/authorize'],
        require: ['state'],
      },
    })),
};
const good: Provider = { manifest, parse, ...(fake.inspect && { inspect: fake.inspect }) };
const recordings: ProviderRecordings = {
  transcripts: [
    {
      transcript: transcript(printed),
      method: 'paste',
      answers: { code: 'abc' },
      expected: { urls: [link], userCodes: [], asked: ['code'], sent: ['abc\r'], result: 'finished' },
    },
  ],
  credentials: [{ name: 'example', files: { auth: credential(1) }, refreshed: { auth: credential(2) } }],
  headless: [{ name: 'ok', stdout: '{"text":"Hi"}\n', stderr: '', exit: 0, end: { outcome: 'completed' }, text: 'Hi' }],
};

const prose: ProviderRecordings = {
  ...recordings,
  headless: [{ name: 'ok', stdout: '{"text":"Hi there"}\n', stderr: '', exit: 0, end: { outcome: 'completed' } }],
};

/** The provider with its only login method changed. */
function withMethod(change: (method: LoginMethod) => Partial<LoginMethod>): Provider {
  return { ...good, manifest: { ...manifest, logins: manifest.logins.map((each) => ({ ...each, ...change(each) })) } };
}

function withParser(step: PromptParser['step']): Provider {
  return { ...good, parse: { ...parse, step: (state, seen) => step(state, seen) ?? parse.step(state, seen) } };
}

/** Names of the tests that the suite has for this provider and that fail. */
async function failures(provider: Provider, recorded: ProviderRecordings = recordings): Promise<readonly string[]> {
  const tests: { readonly name: string; readonly body: () => void | Promise<void> }[] = [];
  const names: string[] = [];
  describeProvider(provider, recorded, {
    describe: (name, body) => {
      const before = tests.length;
      names.push(name);
      body();
      // As vitest has it: a group without a test fails.
      if (tests.length === before) tests.push({ name: `${names.slice(1).join(' ')} has no test`, body: noTest });
      names.pop();
    },
    it: (name, body) => void tests.push({ name: [...names.slice(1), name].join(' '), body }),
    expect,
  });
  const failed: string[] = [];
  for (const { name, body } of tests) {
    try {
      await body();
    } catch {
      failed.push(name);
    }
  }
  return failed;
}

function noTest(): void {
  throw new Error('There is no test in this group.');
}

describe('the conformance suite of providers', () => {
  it('is content with a provider that does everything right', async () => {
    expect(await failures(good)).toEqual([]);
  });

  it('is content with tokens that are kept by account, in JSON with comments', async () => {
    const text = (time: number): string =>
      `// Written by the CLI.\n{ "accounts": { "a@example.com": { "token": "${token}${time}", }, }, }\n`;
    const credentials = manifest.credentials.map((item) =>
      item.as === 'file' ? { ...item, format: 'jsonc' as const, require: ['/accounts/*/token'] } : item,
    );
    const provider: Provider = {
      ...good,
      manifest: { ...manifest, credentials },
      inspect: ({ auth = '' }) => {
        const [account] = Object.values(asRecord(asRecord(tryParseJsonc(auth))['accounts'])).map(asRecord);
        const issuedAt = Number(nonEmpty(account?.['token'])?.at(-1));
        return { kind: 'plan', blank: Number.isNaN(issuedAt), issuedAt };
      },
    };
    const files = { files: { auth: text(1) }, refreshed: { auth: text(2) } };
    expect(await failures(provider, { ...recordings, credentials: [{ name: 'example', ...files }] })).toEqual([]);
  });

  it('is content with a provider that takes keys only', async () => {
    const credentials = manifest.credentials.filter(({ as }) => as === 'environment');
    const keys: Provider = {
      parse,
      manifest: { ...manifest, logins: [], credentials, egress: { ...manifest.egress, signIn: [] } },
    };
    const recorded = {
      ...recordings,
      transcripts: [],
      credentials: [{ name: 'a key', files: { api_key: 'fk-0123' } }],
    };
    expect(await failures(keys, recorded)).toEqual([]);
  });

  it('is content with a device code that its CLI shows without a link', async () => {
    const page = 'https://login.fake.test/device';
    const device = withMethod(({ drive }) => ({
      id: 'device',
      kind: 'device-code',
      drive: { ...drive, steps: [] },
      url: { sources: [], page, hosts: ['login.fake.test'], pathPrefixes: ['/device'], require: [] },
      userCode: { pattern: '^Your code: ([A-Z]{4}-[A-Z]{4})\\.$' },
    }));
    const shown = 'Your code: ABCD-EFGH.\r\n\nLogged in.\r\n';
    const item = {
      method: 'device',
      transcript: { ...transcript(shown), pauses: [{ offset: shown.indexOf('\nLogged in.'), silentMs: 2000 }] },
      expected: { urls: [page], userCodes: ['ABCD-EFGH'], asked: [], sent: [], result: 'finished' },
    };
    expect(await failures(device, { ...recordings, transcripts: [item] })).toEqual([]);
  });

  it('is content with a link and a code that are on the clipboard alone', async () => {
    const page = 'https://login.fake.test/device';
    const device = withMethod(({ drive }) => ({
      id: 'device',
      kind: 'device-code',
      drive: { ...drive, steps: [] },
      url: { sources: ['osc52'], hosts: ['login.fake.test'], pathPrefixes: ['/device'], require: [] },
      userCode: { pattern: '^([A-Z]{4}-[A-Z]{4})$' },
    }));
    const copied = (text: string): string => `\u001b]52;c;${Buffer.from(text).toString('base64')}\u0007`;
    const shown = `${copied(page)}Copied the link.\r\n${copied('ABCD-EFGH')}Copied the code.\r\n\nLogged in.\r\n`;
    const item = {
      method: 'device',
      transcript: { ...transcript(shown), pauses: [{ offset: shown.indexOf('\nLogged in.'), silentMs: 2000 }] },
      expected: { urls: [page], userCodes: ['ABCD-EFGH'], asked: [], sent: [], result: 'finished' },
    };
    expect(await failures(device, { ...recordings, transcripts: [item] })).toEqual([]);
  });

  it('sees a manifest that is not plain data', async () => {
    const broken = { ...good, manifest: { ...manifest, needs: { memoryMb: Number.POSITIVE_INFINITY } } };
    expect(await failures(broken)).toContain('the manifest is data: it survives JSON and satisfies the schema');
  });

  it('sees a sign-in page that the machine cannot reach', async () => {
    const hosts = ['elsewhere.test', 'login.fake.test'];
    const broken = withMethod(({ url }) => ({ ...(url && { url: { ...url, hosts } }) }));
    expect(await failures(broken)).toContain('the manifest lets its sign-in pages through the egress');
  });

  it('sees a step whose key is lost when it comes too early', async () => {
    const eager = withMethod(({ drive }) => {
      if (drive.kind !== 'terminal') return {};
      const send = { kind: 'send', text: '\r', afterMs: 0, repeats: 0 } as const;
      return { drive: { ...drive, steps: [...drive.steps, { id: 'theme', when: { text: 'Theme?' }, do: send }] } };
    });
    expect(await failures(eager)).toEqual([
      'a CLI that loses the keys of the moment in which it paints gets the key of the step theme of paste, once',
    ]);
  });

  it('sees a step that does not wait for its question', async () => {
    const eager = withMethod(({ drive }) => {
      if (drive.kind !== 'terminal') return {};
      return { drive: { ...drive, steps: drive.steps.map((step) => ({ ...step, when: { pattern: '(?m)^' } })) } };
    });
    expect(await failures(eager)).toContain(
      'a CLI that asks nothing yet gets no key of paste, and its user no question',
    );
  });

  it('sees a parser that trips over colours, and one that trips over a long line', async () => {
    const refusing = (refused: (line: string) => boolean): Provider =>
      withParser((state, seen) => {
        if (seen.type === 'stdout' && refused(seen.line)) throw new Error('Too much.');
        return parse.step(state, seen);
      });
    expect(
      await failures(
        refusing((line) => /\\u001b/.test(line)),
        prose,
      ),
    ).toEqual([
      'the output parser understands ok among sequences that steer a terminal, and with colours in its texts',
    ]);
    expect(
      await failures(
        refusing((line) => line.length > 500_000),
        prose,
      ),
    ).toEqual(['the output parser understands ok with a line of 5 MB']);
  });

  it('sees a recording in which a host is announced that the manifest does not list', async () => {
    const [recorded] = recordings.transcripts;
    const [paste] = manifest.logins;
    if (!recorded || !paste?.url) throw new Error('The example has no recording.');
    const other = link.replace('login.fake.test', 'elsewhere.test');
    const item = {
      ...recorded,
      transcript: transcript(printed.replace(link, other)),
      method: { ...paste, url: { ...paste.url, hosts: ['elsewhere.test'] } },
      expected: { ...recorded.expected, urls: [other] },
    };
    expect(await failures(good, { ...recordings, transcripts: [item] })).toEqual([
      'recorded logins paste (paste) comes to the same however its bytes arrive',
    ]);
  });

  it('sees a rule that takes any page of the host for the sign-in page', async () => {
    const broken = withMethod(({ url }) => ({ ...(url && { url: { ...url, pathPrefixes: ['/'] } }) }));
    expect(await failures(broken)).toEqual(['the sign-in link of paste is never announced when it only looks right']);
  });

  it('sees a link that is used before all of it has arrived', async () => {
    const anything = { pattern: '^' };
    const broken = withMethod(({ url }) => ({ ...(url && { url: { ...url, textAfter: anything } }) }));
    expect(await failures(broken)).toEqual([
      'recorded logins paste (paste) comes to the same however its bytes arrive',
    ]);
  });

  it('sees a pattern that RE2 does not know, and one that is too large', async () => {
    const backtracking = withMethod(() => ({ success: [{ pattern: '(a+)+(?=b)' }, { text: 'Logged in.' }] }));
    const large = withMethod(() => ({ success: [{ pattern: '([a-z]{1,50}9){1,15}' }, { text: 'Logged in.' }] }));
    const name = 'the manifest is data: it survives JSON and satisfies the schema';
    expect(await failures(backtracking)).toContain(name);
    expect(await failures(large)).toContain(name);
  });

  it('sees a credential that nobody looks into', async () => {
    const loose = manifest.credentials.map((item) => (item.as === 'file' ? { ...item, require: [] } : item));
    const broken: Provider = { parse, manifest: { ...manifest, credentials: loose } };
    expect(await failures(broken)).toEqual(
      expect.arrayContaining([
        'the credential example is refused with auth blank, absent or cut off anywhere',
        'the credential example is replaced by its refresh, and refused once that is stored',
      ]),
    );
  });

  it('sees a provider that lets an older credential replace a newer one', async () => {
    const stale = 'the credential example is replaced by its refresh, and refused once that is stored';
    expect(await failures({ ...good, supersedes: () => true })).toContain(stale);
    expect(await failures({ ...good, supersedes: () => false })).toContain(stale);
    const [example] = recordings.credentials;
    const unproven = { ...recordings, credentials: [{ name: 'example', files: example?.files ?? {} }] };
    expect(await failures(good, unproven)).toEqual(['the credential has an example of a refresh where it rotates']);
  });

  it('sees an inspection that trips over a file', async () => {
    const broken: Provider = {
      ...good,
      inspect: (files) => {
        JSON.parse(files['auth'] ?? '{}');
        return fake.inspect?.(files) ?? { kind: 'plan', blank: true };
      },
    };
    expect(await failures(broken)).toContain('the credential is looked at without a mishap whatever its files hold');
  });

  it('sees a parser that understands nothing of an answer', async () => {
    const deaf: PromptParser = {
      ...parse,
      step: (state, seen) => parse.step(state, seen.type === 'exit' ? seen : { type: 'stdout', line: '' }),
    };
    const untold = recordings.headless.map(({ text: _text, ...item }) => item);
    expect(await failures({ ...good, parse: deaf }, { ...recordings, headless: untold })).toEqual([
      'the output parser understands ok',
    ]);
  });

  it('sees a parser that throws on a line, ends twice, or keeps what JSON cannot', async () => {
    const anything = 'the output parser never throws, whatever bytes arrive, and still ends once';
    const throwing = withParser((state, seen) => {
      if (seen.type === 'stdout') JSON.parse(seen.line);
      return parse.step(state, seen);
    });
    const endless = withParser((_state, seen) => parse.step(false, seen));
    const forgetful = {
      ...good,
      parse: {
        initial: () => new Map<string, boolean>(),
        step: (state: unknown, seen: Observation) => {
          const known = state instanceof Map && state.get('ended') !== true;
          const { events } = parse.step(!known, seen);
          return { state: new Map([['ended', !known || seen.type === 'exit']]), events };
        },
      },
    };
    expect(await failures(throwing)).toContain(anything);
    expect(await failures(endless)).toContain(anything);
    expect(await failures(forgetful)).toEqual(['the output parser keeps a state that survives JSON']);
  });
});

describe('a secret of the CLI', () => {
  const screen = 'a secret on the screen of paste (paste) gets no further';
  const prompt = 'a secret among what is printed by ok gets no further';

  it('is seen where a login announces it', async () => {
    const broken = withMethod(() => ({ userCode: { pattern: '(token-FAKE[^ "]+)' } }));
    const [recorded] = recordings.transcripts;
    const withLink = printed.replace('Open', `${link}\r\nPaste the code: Open`);
    if (!recorded) throw new Error('The example has no recording.');
    const item = { ...recorded, transcript: transcript(withLink) };
    expect(await failures(broken, { ...recordings, transcripts: [item] })).toContain(screen);
  });

  it('is seen where an event repeats it', async () => {
    const broken = withParser((state, seen) =>
      seen.type === 'stderr' && state === false
        ? { state, events: [{ type: 'notice', message: seen.line }] }
        : parse.step(state, seen),
    );
    expect(await failures(broken)).toEqual([prompt]);
  });

  it('is seen where it is printed', async () => {
    const broken = withParser((state, seen) => {
      if ('line' in seen && seen.line.includes('token')) console.warn('What is this?', seen.line);
      return parse.step(state, seen);
    });
    expect(await failures(broken)).toEqual([prompt]);
  });

  it('is seen where a credential tells it', async () => {
    const broken: Provider = {
      ...good,
      inspect: (files) => {
        const facts = fake.inspect?.(files) ?? { kind: 'plan', blank: true };
        return { ...facts, lineage: files['auth'] ?? '' };
      },
    };
    expect(await failures(broken)).toContain('a secret is not quoted where its file is cut off');
  });

  it.each([
    ['TOML', (time: number) => `token = "hunter2-hunter2-${time}"\n`],
    ['YAML', (time: number) => `fake.test:\n  oauth_token: hunter2-hunter2-${time}\n`],
    ['YAML, as GitHub writes it', (time: number) => `fake.test:\n  ada: gho_FAKE0123456789abcdef${time}\n`],
  ])('is seen in a recording where the credential is %s', async (_format, text) => {
    const credentials = manifest.credentials.map((item) =>
      item.as === 'file' ? { ...item, format: 'text' as const, require: [], rotates: false } : item,
    );
    const provider: Provider = { parse, manifest: { ...manifest, credentials } };
    const secret = text(1)
      .match(/[\w-]{12,}/g)
      ?.at(-1);
    const leaking = recordings.headless.map((item) => ({ ...item, stderr: `Using ${secret}\n` }));
    const recorded = { ...recordings, headless: leaking, credentials: [{ name: 'text', files: { auth: text(1) } }] };
    expect(await failures(provider, recorded)).toContain('a secret is in no recording');
  });

  it('is seen in a recording', async () => {
    const leaking = recordings.headless.map((item) => ({ ...item, stderr: `Using ${token}1\n` }));
    expect(await failures(good, { ...recordings, headless: leaking })).toEqual(['a secret is in no recording']);
  });
});
