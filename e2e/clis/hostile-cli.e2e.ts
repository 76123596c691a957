import type { Provider } from '@sallyport/core/provider';
import type { SessionRecord } from '@sallyport/core/store';
import { createFakeLogin, createFakeProvider } from '@sallyport/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { HANG_LIMIT_MS } from '../support/hang-limit.ts';
import { createHostileWorld } from '../support/hostile-world.ts';
import type { HostileWorld } from '../support/hostile-world.ts';

/**
 * What a CLI in a machine can do to those who log in with it: each trick ends the login with a distinct error, no
 * credential is stored, and the machine is gone. More of each kind, without a machine: links in `url-guard.test.ts`,
 * escape sequences in `screen.test.ts`, late and doubled logins in `test/flows/login.test.ts`. Bad credential files
 * and crashes through the whole server are in `e2e/main/hostile.e2e.ts`, bad vendors in `hostile-vendor.e2e.ts`.
 */

const query = 'response_type=code&redirect_uri=https%3A%2F%2Flogin.fake.test%2Fcode&state=s';
const genuine = `https://login.fake.test/authorize?${query}`;
const lookAlike = `https://login.fake.test.evil.example/authorize?${query}`;
const prompt = '\nPaste the code: ';

/** Of logins that only their time limit ends. All the time that a CLI has to do its trick. */
const DECIDING_MS = 30_000;

const ESC = '\u001b';
const BEL = '\u0007';
const wait = 'exec sleep 1000';
const succeed = `mkdir -p ~/.fake; echo '{"token":"t","account":"a","issuedAt":1}' > ~/.fake/auth.json; echo Logged in.`;

/** Logs in as soon as its terminal types anything by itself. */
const untilAnswered = (request: string): string =>
  `stty raw -echo; ${print(`Waiting for the terminal.${request}`)}; dd bs=1 count=1 >/dev/null 2>&1; stty sane; ${succeed}; exit 0`;

const nextStep = /(Start|Log in) again|Choose another method/;

interface Row {
  readonly script: string;
  /** Default: of text. */
  readonly sources?: readonly ('browser-shim' | 'osc8' | 'text')[];
  /** What the user types when asked for the code. Default: nothing. */
  readonly types?: string;
  /** Default: so long that the trick is surely done, since its end is what shows the outcome. */
  readonly timeoutMs?: number;
  readonly code: string;
  readonly says: RegExp;
}

const rows: Readonly<Record<string, Row>> = {
  'prints a link to a look-alike': {
    script: `${print(`Open this link:\n${lookAlike}${prompt}`)}; ${wait}`,
    code: 'LOGIN_URL_REFUSED',
    says: /within 30 s\. The link it did show was refused: its host is login\.fake\.test\.evil\.example, which is not/,
  },
  'hands its browser a link to a look-alike': {
    script: `"$BROWSER" '${lookAlike}'; ${wait}`,
    sources: ['browser-shim', 'text'],
    code: 'LOGIN_URL_REFUSED',
    says: /wanted to open a link .* its host is login\.fake\.test\.evil\.example/,
  },
  'prints a link in pieces that turn its direction': {
    script: ['https://login.fa', 'ke.test/\u202e', `authorize\u202c?${query}`, prompt, '']
      .map((piece) => `${print(piece)}; sleep 0.1`)
      .concat(wait)
      .join('; '),
    code: 'LOGIN_URL_REFUSED',
    says: /refused: its path is not a sign-in path/,
  },
  'prints a good link and writes another over it': {
    // At once, since a good link that stays for a second is announced, and then the login waits for the user.
    script: `${print(`${genuine}\r${lookAlike}${prompt}`)}; ${wait}`,
    code: 'LOGIN_URL_REFUSED',
    says: /refused: its host is login\.fake\.test\.evil\.example/,
  },
  'shows the text of a good link that leads elsewhere': {
    script: `${print(`${ESC}]8;;${lookAlike}${BEL}${genuine}${ESC}]8;;${BEL}${prompt}`)}; ${wait}`,
    sources: ['osc8'],
    code: 'LOGIN_URL_REFUSED',
    says: /refused: its host is login\.fake\.test\.evil\.example/,
  },
  'asks the terminal for the clipboard': {
    script: untilAnswered(`${ESC}]52;c;?${BEL}`),
    code: 'LOGIN_TIMED_OUT',
    says: /while waiting for the sign-in link\. The last screen said: 'Waiting for the terminal\.'/,
  },
  'sets a title and asks the terminal to type it': {
    script: untilAnswered(`${ESC}]2;rm -rf ~\r${BEL}${ESC}[21t${ESC}[20t`),
    code: 'LOGIN_TIMED_OUT',
    says: /while waiting for the sign-in link\. The last screen said: 'Waiting for the terminal\.'/,
  },
  'prints 100 MB': {
    script: `yes '${'Opening the browser. '.repeat(10)}' | head -c 100000000; ${succeed}`,
    timeoutMs: HANG_LIMIT_MS,
    code: 'LOGIN_FAILED',
    says: /wrote more than 10485760 bytes/,
  },
  'asks the same again and again': {
    script: `${print(genuine)}; while :; do ${print(prompt)}; read code; done`,
    types: 'AB-1',
    code: 'LOGIN_TIMED_OUT',
    // The user is asked each time, until the agent or the server finds that time is up.
    says: /^The (sign-in timed out after|login machine did not end the sign-in within) \d+ s/,
  },
  'refuses the code it has asked for': {
    script: `${print(`${genuine}${prompt}`)}; read code; echo 'Sign-in failed: a wrong code.'; exit 1`,
    types: 'AB-1',
    timeoutMs: HANG_LIMIT_MS,
    code: 'LOGIN_DENIED',
    says: /^The sign-in was refused\.$/,
  },
  'takes the code and says that all is well, with no credential': {
    script: `${print(`${genuine}${prompt}`)}; read code; echo Logged in.`,
    types: 'AB-1',
    timeoutMs: HANG_LIMIT_MS,
    code: 'CREDENTIAL_INCOMPLETE',
    says: /said that the login is complete, but its credential is not: The CLI has written no credential/,
  },
};

/** Sits through the signal that ends it, and then claims to have logged in. */
const lateLogin = `trap '${succeed.replaceAll("'", `'\\''`)}' TERM HUP INT; ${print(`${genuine}${prompt}`)}; while :; do sleep 0.05; done`;

/** For logins that do not fail by themselves. */
const others: Readonly<Record<string, Pick<Row, 'script' | 'timeoutMs'>>> = {
  'asks the terminal for the cursor': { script: untilAnswered(`${ESC}[6n`), timeoutMs: HANG_LIMIT_MS },
  'logs in when it is ended': { script: lateLogin, timeoutMs: HANG_LIMIT_MS },
  'is started twice for one user': { script: lateLogin, timeoutMs: HANG_LIMIT_MS },
};

const providers = Object.entries({ ...rows, ...others }).map(([name, row], index) => ({
  provider: providerOf(`cli_${index}`, row),
  script: row.script,
  name,
}));

let world: HostileWorld;

beforeAll(async () => {
  world = await createHostileWorld({ providers, sites: createFakeLogin().sites });
});
afterAll(async () => world?.[Symbol.asyncDispose]());

describe.concurrent('a CLI that', () => {
  it.each(Object.keys(rows))('%s', async (name) => {
    const row = rows[name];
    const { sessionId } = await start(name);
    const { types } = row ?? {};
    const ended = await world.follow(sessionId, types === undefined ? {} : { code: async () => types });
    expect(ended).toMatchObject({ status: 'failed', errorCode: row?.code, authUrl: null });
    expect(ended.errorMessage).toMatch(row?.says ?? /^$/);
    expect(ended.errorHint).toMatch(nextStep);
    expect(await world.leftovers(sessionId)).toEqual([]);
  });

  it('asks the terminal for what a terminal may tell gets its answer, and logs in', async () => {
    const { sessionId } = await start('asks the terminal for the cursor');
    expect(await world.follow(sessionId)).toMatchObject({ status: 'completed' });
    expect(await world.leftovers(sessionId)).toEqual(['a credential']);
  });

  it('logs in while its login is being cancelled comes too late', async () => {
    const { sessionId } = await start('logs in when it is ended');
    const [before, ended] = await cancelWhenAsked(sessionId);
    expect(before).toEqual(['a machine that is running', 'what a machine is made of', 'a process of the CLI']);
    expect(ended).toMatchObject({ status: 'cancelled', errorCode: 'LOGIN_CANCELLED', authUrl: null });
    expect(ended.errorHint).toBe('Start again when you are ready.');
    expect(await world.leftovers(sessionId)).toEqual([]);
  });

  it('is started twice for one user runs one login', async () => {
    const { userId, provider, sessionId } = await start('is started twice for one user');
    const second = world.app.logins.start({ userId, provider, externalId: null, method: 'paste' });
    await expect(second).rejects.toMatchObject({
      code: 'LOGIN_IN_PROGRESS',
      hint: expect.stringContaining('Finish or cancel'),
      details: { sessionId },
    });
    const machines: number[] = [];
    const ended = await world.follow(sessionId, {
      sees: async ({ phase }) => {
        if (phase !== 'awaiting-user' || machines.length > 0) return;
        machines.push((await world.app.store.machines.list({ userId })).length);
        await world.app.logins.cancel(sessionId);
      },
    });
    expect(ended.status).toBe('cancelled');
    expect(machines).toEqual([1]);
    expect(await world.leftovers(sessionId)).toEqual([]);
  });
});

/** Cancels a login once the user is asked to sign in. Returns what existed of it then, and how it ended. */
async function cancelWhenAsked(sessionId: string): Promise<readonly [readonly string[], SessionRecord]> {
  let before: readonly string[] | undefined;
  const ended = await world.follow(sessionId, {
    sees: async ({ phase }) => {
      if (phase !== 'awaiting-user' || before) return;
      before = await world.leftovers(sessionId);
      await world.app.logins.cancel(sessionId);
    },
  });
  return [before ?? [], ended];
}

function start(name: string): Promise<SessionRecord> {
  const { manifest } = providers.find((each) => each.name === name)?.provider ?? {};
  return world.start(manifest?.id ?? '', 'paste');
}

/** The fake provider whose CLI is a script. */
function providerOf(id: string, { sources = ['text'], timeoutMs = DECIDING_MS }: Partial<Row>): Provider {
  const { manifest, ...functions } = createFakeProvider();
  const logins = manifest.logins.flatMap((method) =>
    method.id === 'paste' && method.url
      ? [{ ...method, timeoutMs, url: { ...method.url, sources: [...sources] } }]
      : [],
  );
  return { ...functions, manifest: { ...manifest, id, aliases: [], logins } };
}

/** A command that prints exactly these bytes. */
function print(text: string): string {
  const bytes = [...Buffer.from(text)].map((byte) => `\\0${byte.toString(8).padStart(3, '0')}`);
  return `printf %b '${bytes.join('')}'`;
}
