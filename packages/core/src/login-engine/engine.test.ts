import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkProperty } from '../../../testkit/src/check-property.ts';
import { manifestSchema } from '../provider/manifest.ts';
import type { LoginMethod } from '../provider/login-method.ts';
import { createLogin, step } from './engine.ts';
import type { LoginState } from './state.ts';
import type { LoginAction, LoginObservation } from './observation.ts';
import { guardUrl } from './url-guard.ts';

const link = (state = 'abc', port = 1455): string =>
  `https://auth.example.com/authorize?redirect_uri=http%3A%2F%2F127.0.0.1%3A${port}%2Fcb&state=${state}`;

const method = (difference: object = {}): LoginMethod =>
  manifestSchema.shape.logins.element.parse({
    id: 'browser',
    title: 'Browser',
    kind: 'loopback-callback',
    drive: {
      kind: 'terminal',
      argv: ['login'],
      steps: [
        { id: 'theme', when: { text: 'Choose a theme' }, do: { kind: 'send', text: '\r' } },
        {
          id: 'code',
          when: { text: 'Paste code here' },
          do: { kind: 'ask', prompt: { id: 'code', label: 'Code', kind: 'code', secret: true } },
        },
        {
          id: 'plan',
          when: { text: 'Which plan?' },
          do: {
            kind: 'ask',
            prompt: {
              id: 'plan',
              label: 'Plan',
              kind: 'choice',
              secret: false,
              choices: [
                { label: 'Free', send: '1' },
                { label: 'Paid', send: '2' },
              ],
            },
          },
        },
      ],
    },
    url: {
      sources: ['browser-shim', 'text'],
      hosts: ['auth.example.com'],
      pathPrefixes: ['/authorize'],
      require: ['state'],
      textAfter: { text: 'Come back later' },
    },
    callback: { ports: [1455, 1457], path: '/cb' },
    freshHome: true,
    success: [{ text: 'Logged in' }],
    failure: [
      { when: { text: 'Error: denied' }, code: 'LOGIN_DENIED', message: 'Refused.' },
      { when: { text: 'Error' }, code: 'LOGIN_FAILED', message: 'Failed.' },
    ],
    timeoutMs: 100_000,
    ...difference,
  });

const enter = (repeats: number): object => ({
  id: 'theme',
  when: { text: 'Choose a theme' },
  do: { kind: 'send', text: '\r', afterMs: 300, repeats },
});
const screen = (text: string, links: readonly string[] = []): LoginObservation => ({
  type: 'screen',
  screen: { lines: text.split('\n'), links },
});
const tick = (elapsedMs: number): LoginObservation => ({ type: 'tick', elapsedMs });
const shim = (url: string): LoginObservation => ({ type: 'shim', url });
const exit = (code: number | null, signal: string | null = null): LoginObservation => ({ type: 'exit', code, signal });
const answer = (promptId: string, value: string): LoginObservation => ({ type: 'answer', promptId, value });
const captured = (problem?: string): LoginObservation => ({ type: 'captured', problem });

function run(observations: readonly LoginObservation[], its: LoginMethod = method()): LoginAction[] {
  let state = createLogin(its);
  return observations.flatMap((observation) => {
    const next = step(state, observation);
    // The state must survive being written down.
    const restored: LoginState = JSON.parse(JSON.stringify(next.state));
    state = restored;
    return next.actions;
  });
}
const urls = (actions: readonly LoginAction[]): string[] =>
  actions.flatMap((action) => (action.type === 'announce-url' ? [action.url.href] : []));

describe('the sign-in link', () => {
  const shown = (url: string): string => `Go to\n${url}\nCome back later`;

  it('is announced at once when the CLI hands it to its browser, with the callback to wait for', () => {
    expect(run([shim(link())])).toMatchObject([
      { type: 'announce-url', url: { href: link() }, userCode: undefined },
      { type: 'await-callback', port: 1455, path: '/cb' },
    ]);
  });

  it('is taken from the screen when the browser command has not come for a while', () => {
    expect(urls(run([tick(1000), screen(shown(link())), tick(2000)]))).toEqual([]);
    expect(urls(run([tick(1000), screen(shown(link())), tick(2000), tick(3000)]))).toEqual([link()]);
  });

  it('stays the one of the browser command when the screen shows another', () => {
    expect(urls(run([screen(shown(link('other'))), shim(link()), tick(5000)]))).toEqual([link()]);
  });

  it('is announced again where a better source brings another one', () => {
    const actions = run([screen(shown(link('other'))), tick(2000), shim(link('abc', 1457))]);
    expect(urls(actions)).toEqual([link('other'), link('abc', 1457)]);
    expect(actions.filter(({ type }) => type === 'await-callback')).toHaveLength(2);
  });

  it('is announced once however often it appears', () => {
    expect(urls(run([shim(link()), shim(link()), screen(shown(link())), tick(3000)]))).toEqual([link()]);
  });

  it('is not used before the text that follows it has been seen, so that no chunk boundary can cut it', () => {
    const text = method({ url: { ...method().url, sources: ['text'] } });
    const whole = shown(link());
    for (let end = 0; end < whole.length; end++) expect(urls(run([screen(whole.slice(0, end))], text))).toEqual([]);
    expect(urls(run([screen(whole)], text))).toEqual([link()]);
  });

  it('has to stay the same for a second where no text is known to follow it', () => {
    const text = method({ url: { ...method().url, sources: ['text'], textAfter: undefined } });
    expect(urls(run([screen(link('ab')), tick(900), screen(link('abc')), tick(1500)], text))).toEqual([]);
    expect(urls(run([screen(link('abc')), tick(1000)], text))).toEqual([link('abc')]);
  });

  it('is taken from a hyperlink without waiting, where that is the only source', () => {
    const osc8 = method({ url: { ...method().url, sources: ['osc8'] } });
    expect(urls(run([screen('click', ['https://evil.example/', link()])], osc8))).toEqual([link()]);
  });

  it('on the screen is plain text when it leads elsewhere', () => {
    const evil = link().replace('auth.example.com', 'auth.example.com.evil.example');
    expect(run([screen(shown(evil)), tick(5000)])).toEqual([]);
  });

  it('ends the login when the CLI wants to open a page elsewhere, and names its host', () => {
    expect(run([shim('https://evil.example/authorize?state=secret'), shim(link())])).toEqual([
      { type: 'fail', code: 'LOGIN_URL_REFUSED', message: expect.stringContaining('evil.example') },
    ]);
  });

  it('that is refused on the screen is named when the time is over and no better one has come', () => {
    const its = method({ url: { ...method().url, sources: ['osc8', 'text'] } });
    const evil = link().replace('auth.example.com', 'auth.example.com.evil.example');
    const refusal = {
      type: 'fail',
      code: 'LOGIN_URL_REFUSED',
      message: expect.stringMatching(/within 100 s\. .* was refused: its host is auth\.example\.com\.evil\.example/),
    };
    expect(run([screen(shown(evil)), tick(100_000)], its)).toEqual([refusal]);
    expect(run([screen('Come back later', [evil]), tick(100_000)], its)).toEqual([refusal]);
    expect(
      run([screen(shown(`https://docs.example/\n${link()}`)), tick(5000), tick(100_000)], its).at(-1),
    ).toMatchObject({
      code: 'LOGIN_TIMED_OUT',
    });
  });

  it('is not spoilt by a page of documentation that the CLI opens afterwards', () => {
    expect(run([shim(link()), shim('https://docs.example/')]).map(({ type }) => type)).toEqual([
      'announce-url',
      'await-callback',
    ]);
  });

  it('of a device login waits for the code', () => {
    const device = method({
      kind: 'device-code',
      callback: undefined,
      userCode: { pattern: 'code: ([A-Z]{4}-[0-9]{4})' },
      url: { sources: ['text'], hosts: ['auth.example.com'], pathPrefixes: ['/device'], textAfter: { text: 'code:' } },
    });
    const text = 'Open https://auth.example.com/device\nand type this code: ';
    expect(run([screen(text)], device)).toEqual([]);
    expect(run([screen(`${text}ABCD-1234`)], device)).toMatchObject([{ type: 'announce-url', userCode: 'ABCD-1234' }]);
    for (const dash of ['\u2010', '\u2011', '\u2013', '\u2212', '\uff0d']) {
      expect(run([screen(`${text}ABCD${dash}1234`)], device)).toMatchObject([{ userCode: 'ABCD-1234' }]);
    }
  });
});

describe('steps and answers', () => {
  it('fire once each', () => {
    expect(run([screen('Choose a theme'), screen('Choose a theme again')])).toEqual([{ type: 'send', text: '\r' }]);
  });

  it('type a text again while the screen stays as it was, so that a lost key does not end a login', () => {
    const patient = method({ drive: { ...method().drive, steps: [enter(2)] }, timeoutMs: 600_000 });
    const typed: LoginObservation = { type: 'typed', step: 'theme' };
    const first = { type: 'send', text: '\r', afterMs: 300, step: 'theme' };
    const again = { type: 'send', text: '\r', step: 'theme' };
    const ticks = [1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000].map(tick);
    const shown = screen('Choose a theme');
    expect(run([shown, ...ticks], patient)).toEqual([first]);
    expect(run([shown, typed, tick(1999)], patient)).toEqual([first]);
    expect(run([shown, typed, ...ticks], patient)).toEqual([first, again, again]);
    expect(run([shown, typed, ...ticks.slice(0, 3), typed, screen('Next'), ...ticks], patient)).toEqual([first, again]);
    expect(run([shown, screen('Choose a theme\n> dark'), typed, shown, ...ticks], patient)).toEqual([first]);
  });

  it('do not type a text again where the manifest does not say so', () => {
    const its = method({ drive: { ...method().drive, steps: [enter(0)] }, timeoutMs: 600_000 });
    const actions = run([screen('Choose a theme'), { type: 'typed', step: 'theme' }, tick(5000), tick(9000)], its);
    expect(actions).toEqual([{ type: 'send', text: '\r', afterMs: 300 }]);
  });

  it('send an answer only to the question that was asked, once, without control characters', () => {
    const actions = run([
      answer('code', 'too early'),
      screen('Paste code here'),
      answer('plan', 'Free'),
      answer('code', ' ab\u001b[31m\rc\u202e '),
      answer('code', 'again'),
    ]);
    expect(actions).toMatchObject([
      { type: 'ask', prompt: { id: 'code' } },
      { type: 'send', text: 'ab[31mc\r' },
    ]);
  });

  it('send what a choice stands for, and nothing else', () => {
    const actions = run([screen('Which plan?'), answer('plan', 'rm -rf'), answer('plan', 'Paid')]);
    expect(actions.filter(({ type }) => type === 'send')).toEqual([{ type: 'send', text: '2\r' }]);
  });

  it('let the Enter wait where the CLI would take it for a part of the answer', () => {
    const { drive } = method();
    const steps = drive.steps.map((each) =>
      each.do.kind === 'ask' ? { ...each, do: { ...each.do, submitAfterMs: 300 } } : each,
    );
    const actions = run([screen('Paste code here'), answer('code', 'x')], method({ drive: { ...drive, steps } }));
    expect(actions.slice(1)).toEqual([
      { type: 'send', text: 'x' },
      { type: 'send', text: '\r', afterMs: 300 },
    ]);
  });

  it('leave the question open when the answer has not the shape of one', () => {
    const { drive } = method();
    const steps = drive.steps.map((each) =>
      each.do.kind === 'ask'
        ? { ...each, do: { ...each.do, prompt: { ...each.do.prompt, shape: { pattern: '^[A-Z]+#[0-9]+$' } } } }
        : each,
    );
    const answers = [answer('code', 'AB'), answer('code', 'AB#\n'), answer('code', ' AB#1\n')];
    const actions = run([screen('Paste code here'), ...answers], method({ drive: { ...drive, steps } }));
    expect(actions.slice(1)).toEqual([{ type: 'send', text: 'AB#1\r' }]);
  });

  it('ask again where the CLI asks again, and not before', () => {
    const asked = screen('Paste code here');
    const ids = (seen: readonly LoginObservation[]): string[] =>
      run(seen).flatMap((action) => (action.type === 'ask' ? [action.prompt.id] : []));
    const answered = [asked, answer('code', 'x')];
    expect(ids([...answered, tick(1000), screen('Paste code here ***'), tick(2000), tick(9000)])).toEqual(['code']);
    const below = screen('Paste code here x\nNot accepted.\nPaste code here');
    expect(ids([...answered, below, tick(1000), answer('code', 'y'), tick(3000)])).toEqual(['code', 'code']);
    // A full screen is cleared, and its question comes back.
    const back = [screen('Checking'), tick(2000), screen('Wrong. Paste code here'), tick(3000), tick(4000)];
    expect(ids([...answered, ...back])).toEqual(['code', 'code']);
    // A repaint that arrives in two pieces asks nothing.
    expect(ids([...answered, screen(''), screen('Paste code here *'), tick(2000), tick(3000)])).toEqual(['code']);
  });

  it('take the second answer to a question that was asked again', () => {
    const below = screen('Paste code here x\nPaste code here');
    const seen = [screen('Paste code here'), answer('code', 'x'), below, tick(1000), answer('code', 'y')];
    expect(run(seen).flatMap((action) => (action.type === 'send' ? [action.text] : []))).toEqual(['x\r', 'y\r']);
  });

  it('leave the question open when the answer is empty', () => {
    const actions = run([screen('Paste code here'), answer('code', ' \n'), answer('code', 'x')]);
    expect(actions.filter(({ type }) => type === 'send')).toEqual([{ type: 'send', text: 'x\r' }]);
  });
});

describe('the end of a login', () => {
  const types = (actions: readonly LoginAction[]): string[] => actions.map((action) => action.type);

  it('is good when the credential is complete', () => {
    expect(types(run([screen('Logged in'), captured()]))).toEqual(['capture', 'finish']);
    expect(types(run([exit(0), captured()]))).toEqual(['capture', 'finish']);
  });

  it('is bad when the CLI claims success over a blank file', () => {
    const actions = run([screen('Logged in'), exit(0), captured('blank'), tick(1000), captured('blank'), tick(6000)]);
    expect(types(actions)).toEqual(['capture', 'capture', 'fail']);
    expect(actions.at(-1)).toMatchObject({ code: 'CREDENTIAL_INCOMPLETE', message: expect.stringContaining('blank') });
  });

  it('is good when the credential becomes complete a little later', () => {
    const actions = run([screen('Logged in'), captured('blank'), tick(1000), captured()]);
    expect(types(actions)).toEqual(['capture', 'capture', 'finish']);
  });

  it('ignores a captured credential nobody asked for', () => {
    expect(run([captured()])).toEqual([]);
  });

  it('is told by the failure rule when the CLI exits', () => {
    expect(run([screen('Error: denied'), exit(1)])).toEqual([
      { type: 'fail', code: 'LOGIN_DENIED', message: 'Refused.' },
    ]);
  });

  it('waits for the rest of a failure message, so that its beginning is not taken for the whole', () => {
    const actions = run([screen('Error'), tick(500), screen('Error: denied'), tick(1000)]);
    expect(actions).toEqual([{ type: 'fail', code: 'LOGIN_DENIED', message: 'Refused.' }]);
  });

  it('takes success on the screen over an older failure', () => {
    expect(types(run([screen('Error'), screen('Error\nLogged in'), tick(5000), exit(1), captured()]))).toEqual([
      'capture',
      'finish',
    ]);
  });

  it.each([
    ['code', exit(3), 'ended with exit code 3'],
    ['signal', exit(null, 'SIGSEGV'), 'was ended by SIGSEGV'],
  ])('names the %s of a crash, and the last lines without secrets', (_name, end, how) => {
    const secret = 'sk-ant-oat01-aaaaaaaaaaaaaaaaaaaaaaaa';
    const [fail] = run([screen(`panic ${secret} at ${link('secret-state')}`), end]);
    expect(fail).toMatchObject({ code: 'LOGIN_CLI_CRASHED', message: expect.stringContaining(how) });
    expect(JSON.stringify(fail)).toContain('panic');
    expect(JSON.stringify(fail)).not.toMatch(/secret-state|aaaaaaaa/);
  });

  it('says what it was waiting for when time is over', () => {
    expect(run([tick(100_000)])).toMatchObject([
      { code: 'LOGIN_TIMED_OUT', message: expect.stringContaining('after 100 s while waiting for the CLI') },
    ]);
    expect(run([shim(link()), tick(80_000), { type: 'callback', ok: false }, tick(150_000)]).at(-1)).toMatchObject({
      code: 'LOGIN_TIMED_OUT',
      message: expect.stringContaining('while waiting for the browser'),
    });
  });

  it('ends within seconds when the CLI does not react to a code', () => {
    const answered = [screen('Paste code here'), tick(10_000), answer('code', 'x')];
    expect(types(run([...answered, tick(39_999)]))).not.toContain('fail');
    expect(run([...answered, tick(40_000)]).at(-1)).toMatchObject({
      code: 'LOGIN_FAILED',
      message: expect.stringMatching(/not reacted to the code for 30 s.*paste all of the code/),
    });
    const moving = [screen('Checking |'), tick(39_000), screen('Checking /'), tick(68_999)];
    expect(types(run([...answered, ...moving]))).not.toContain('fail');
  });

  it('says of a CLI that has its answer that it does not go on', () => {
    const moving = [25_000, 50_000, 75_000].flatMap((at) => [tick(at), screen(`Checking ${at}`)]);
    const actions = run([screen('Paste code here'), answer('code', 'x'), ...moving, tick(100_000)]);
    expect(actions.at(-1)).toMatchObject({
      code: 'LOGIN_TIMED_OUT',
      message: expect.stringContaining('while waiting for the CLI to go on after an answer'),
    });
  });

  it('is drift when the CLI stands still at something new, and nobody was asked to do anything', () => {
    const patient = method({ timeoutMs: 600_000 });
    const asksNew = [screen('Choose a theme'), tick(10_000), screen('Share your code, sk-ant-FAKE-0123456789abcdef?')];
    expect(run([...asksNew, tick(129_999)], patient).map(({ type }) => type)).toEqual([
      'send',
      'show-screen',
      'show-screen',
    ]);
    const end = run([...asksNew, tick(130_000)], patient).at(-1);
    expect(end).toMatchObject({ type: 'fail', code: 'LOGIN_DRIFT' });
    expect(JSON.stringify(end)).toContain('after the steps theme');
    expect(JSON.stringify(end)).toContain("The last screen said: 'Share your code, […]?'");
  });

  it('shows the user a screen that stands still while the CLI should go on, once', () => {
    const patient = method({ timeoutMs: 600_000 });
    const box = ['╭────────╮', '│ New?   │', '│ > Yes  │', '╰────────╯'].join('\n');
    const shown = { type: 'show-screen', text: 'New?\n> Yes' };
    expect(run([screen(box), tick(9999)], patient)).toEqual([]);
    expect(run([screen(box), tick(10_000), tick(20_000)], patient)).toEqual([shown]);
    // Painted twice, it is quoted once.
    expect(run([screen(`${box}\n${box}`), tick(10_000)], patient)).toEqual([shown]);
    expect(run([screen(box), shim(link()), tick(20_000)], patient).map(({ type }) => type)).not.toContain(
      'show-screen',
    );
    expect(run([screen('Paste code here'), tick(20_000)], patient).map(({ type }) => type)).toEqual(['ask']);
    const answered = run([screen('Paste code here'), answer('code', 'x'), tick(10_000)], patient);
    expect(answered.at(-1)).toEqual({ type: 'show-screen', text: 'Paste code here' });
  });

  it('is not drift while something moves, while it is the turn of the user, and before the CLI says anything', () => {
    const patient = method({ timeoutMs: 600_000 });
    const ends = (seen: readonly LoginObservation[]): LoginAction[] =>
      run([...seen, tick(200_000)], patient).filter(({ type }) => type === 'fail');
    expect(ends([screen('Loading /'), tick(100_000), screen('Loading -')])).toEqual([]);
    expect(ends([shim(link())])).toEqual([]);
    expect(ends([screen('Paste code here')])).toEqual([]);
    expect(ends([screen(' \n')])).toEqual([]);
  });

  it('asks whether the user is still there, and ends without an answer', () => {
    const actions = run([shim(link()), tick(79_999), tick(80_000), tick(90_000), tick(100_000)]);
    expect(actions.slice(2)).toMatchObject([
      { type: 'ask', prompt: { id: 'still_there', kind: 'choice' } },
      { type: 'fail', code: 'LOGIN_ABANDONED' },
    ]);
  });

  it('gives half the time again, once, to a user who is there', () => {
    const actions = run([shim(link()), tick(80_000), answer('still_there', 'yes'), tick(149_999), tick(150_000)]);
    expect(types(actions)).toEqual(['announce-url', 'await-callback', 'ask', 'fail']);
    expect(actions.at(-1)).toMatchObject({ code: 'LOGIN_TIMED_OUT' });
  });
});

describe('any order of observations', () => {
  const words = [
    'Choose a theme',
    'Paste code here',
    'Which plan?',
    'Logged in',
    'Error',
    'Error: denied',
    'Come back later',
  ];
  const address = fc.constantFrom(link(), link('x', 1457), link('x', 22), 'https://evil.example/', '', '\u0000');
  const observation: fc.Arbitrary<LoginObservation> = fc.oneof(
    fc
      .array(fc.oneof(fc.constantFrom(...words), address, fc.string()), { maxLength: 6 })
      .chain((lines) =>
        fc.array(address, { maxLength: 2 }).map((links) => ({ type: 'screen' as const, screen: { lines, links } })),
      ),
    address.map(shim),
    fc.tuple(fc.constantFrom(0, 1, null), fc.constantFrom(null, 'SIGKILL')).map(([code, signal]) => exit(code, signal)),
    fc.integer({ min: -1, max: 200_000 }).map(tick),
    fc.tuple(fc.constantFrom('code', 'plan', 'still_there', '?'), fc.string()).map(([id, value]) => answer(id, value)),
    fc.boolean().map((ok) => ({ type: 'callback' as const, ok })),
    fc.option(fc.string(), { nil: undefined }).map(captured),
  );
  const its = method({ url: { ...method().url, sources: ['browser-shim', 'osc8', 'text'] } });

  it('ends a login at most once, does nothing afterwards, and announces guarded links only', async () => {
    await checkProperty(
      fc.property(fc.array(observation, { maxLength: 40 }), (observations) => {
        const actions = run(observations, its);
        const ends = actions.filter(({ type }) => type === 'finish' || type === 'fail');
        expect(ends.length).toBeLessThanOrEqual(1);
        if (ends[0]) expect(actions.at(-1)).toBe(ends[0]);
        for (const href of urls(actions)) {
          expect(its.url && guardUrl(href, its.url, its.callback)).toMatchObject({ ok: true });
        }
        expect(urls(actions).length).toBeLessThanOrEqual(5);
      }),
      { runs: 600 },
    );
  });
});
