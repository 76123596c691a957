import { createHooks, Secret } from '@sallyport/core';
import type { DomainEvent, SallyportError } from '@sallyport/core';
import { createVirtualClock } from '@sallyport/testkit';
import { Webhook as Verifier } from 'standardwebhooks';
import { describe, expect, it, vi } from 'vitest';

import { createReceiver } from './__fixtures__/receiver.ts';
import type { Received } from './__fixtures__/receiver.ts';
import { createWebhook } from './webhook.ts';
import type { WebhookOptions } from './webhook.ts';

const secret = `whsec_${Buffer.alloc(32, 'canary').toString('base64')}`;
/** The receivers' own library, which knows nothing of ours. It compares with the real time. */
const verifier = new Verifier(secret);
const at = Date.UTC(2026, 0, 1);
const invalid: DomainEvent = { type: 'credential.invalid', at, userId: 'user-1', provider: 'codex', reason: 'refused' };
const numbered = (userId: string): DomainEvent => ({ ...invalid, userId });

/** The plugin in the real hooks, on a clock that starts now and stands still. */
function setup(url: string, options: Partial<WebhookOptions> = {}) {
  const clock = createVirtualClock(Date.now());
  const errors: SallyportError[] = [];
  /** The waits between tries. A test waits for one to begin before it moves the clock, which would end the try instead. */
  const waits: number[] = [];
  const sleep: typeof clock.sleep = (ms, signal) => {
    waits.push(ms);
    return clock.sleep(ms, signal);
  };
  const given = { url, secret: new Secret(secret), clock: { ...clock, sleep }, random: () => 0 };
  const webhook = createWebhook({ ...given, onError: (error) => errors.push(error), ...options });
  const thrown: unknown[] = [];
  const hooks = createHooks({ plugins: [webhook], clock, onError: (error) => thrown.push(error) });
  return { webhook, emit: (event: DomainEvent) => hooks.event(event), clock, waits, errors, thrown };
}

const until = (check: () => boolean) => expect.poll(check, { interval: 2 }).toBe(true);
const verify = ({ body, headers }: Received, changed: Readonly<Record<string, string>> = {}) =>
  verifier.verify(body, { ...headers, ...changed });

describe('a webhook', () => {
  it('posts what happened, signed so that the library of the receiver accepts it', async () => {
    await using receiver = await createReceiver();
    const { emit } = setup(receiver.url);
    emit(invalid);
    emit({ type: 'credential.expiring', at, userId: 'user-1', provider: 'codex', loginExpiresAt: at + 1 });
    await until(() => receiver.received.length === 2);
    expect(receiver.received[0]).toMatchObject({ method: 'POST', path: '/hooks/path-that-nobody-may-know' });
    expect(receiver.received[0]?.headers['content-type']).toBe('application/json');
    expect(receiver.received.map((request) => verify(request))).toEqual([
      {
        type: 'credential.invalid',
        timestamp: '2026-01-01T00:00:00.000Z',
        data: { userId: 'user-1', provider: 'codex', reason: 'refused' },
      },
      {
        type: 'credential.expiring',
        timestamp: '2026-01-01T00:00:00.000Z',
        data: { userId: 'user-1', provider: 'codex', loginExpiresAt: at + 1 },
      },
    ]);
    expect(JSON.stringify(receiver.received)).not.toContain(secret.slice(6));
  });

  it('is found out by the receiver when anything signed was changed on the way', async () => {
    await using receiver = await createReceiver();
    const { emit } = setup(receiver.url);
    emit(invalid);
    await until(() => receiver.received.length === 1);
    const [request] = receiver.received;
    if (!request) throw new Error('Nothing was received.');
    expect(() => verify(request)).not.toThrow();
    const later = String(Number(request.headers['webhook-timestamp']) + 1);
    expect(() => verify({ ...request, body: request.body.replace('user-1', 'user-2') })).toThrow(/signature/i);
    expect(() => verify(request, { 'webhook-id': 'msg_other' })).toThrow(/signature/i);
    expect(() => verify(request, { 'webhook-timestamp': later })).toThrow(/signature/i);
    const stranger = new Verifier(Buffer.alloc(32, 1).toString('base64'));
    expect(() => stranger.verify(request.body, request.headers)).toThrow(/signature/i);
  });

  it('posts only the events that were chosen', async () => {
    await using receiver = await createReceiver();
    const { emit } = setup(receiver.url, { events: ['credential.erased'] });
    emit(invalid);
    emit({ type: 'credential.erased', at, userId: 'user-1', provider: 'codex' });
    await until(() => receiver.received.length > 0);
    expect(receiver.received.map(({ body }) => body)).toEqual([expect.stringContaining('credential.erased')]);
  });
});

describe('a receiver that fails', () => {
  it('is tried again after a server error and a broken connection, with the same id and a new timestamp', async () => {
    await using receiver = await createReceiver([[503], 'hang-up']);
    const { emit, clock, waits, errors } = setup(receiver.url);
    emit(invalid);
    for (const delayMs of [1_000, 2_000]) {
      await until(() => waits.at(-1) === delayMs);
      const before = receiver.received.length;
      await clock.advance(delayMs - 1);
      expect([receiver.received.length, clock.pending]).toEqual([before, 1]);
      await clock.advance(1);
    }
    await until(() => receiver.received.length === 3 && clock.pending === 0);
    const times = receiver.received.map(({ headers }) => Number(headers['webhook-timestamp']));
    expect(times.map((time) => time - (times[0] ?? 0))).toEqual([0, 1, 3]);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    for (const request of receiver.received) expect(() => verify(request)).not.toThrow();
    expect(errors).toEqual([]);
  });

  it('is left alone as long as it asks with 429 and Retry-After', async () => {
    await using receiver = await createReceiver([[429, { 'retry-after': '90' }]]);
    const { emit, clock, waits } = setup(receiver.url);
    emit(invalid);
    await until(() => waits.length === 1);
    expect(waits).toEqual([90_000]);
    await clock.advance(90_000);
    await until(() => receiver.received.length === 2);
  });

  it.each([400, 401, 404, 410])(
    'is not tried again when it answers %s, and the next event is posted',
    async (status) => {
      await using receiver = await createReceiver([[status]]);
      const { emit, clock, errors } = setup(receiver.url);
      emit(numbered('first'));
      emit(numbered('second'));
      await until(() => receiver.received.length === 2 && clock.pending === 0);
      expect(receiver.received.map(({ body }) => /first|second/.exec(body)?.[0])).toEqual(['first', 'second']);
      expect(errors.map(({ message }) => message)).toEqual([
        `The event credential.invalid for ${new URL(receiver.url).origin} was given up at try 1: it answered ${status}.`,
      ]);
    },
  );

  it('cannot send it elsewhere: a redirect is not followed', async () => {
    await using target = await createReceiver();
    await using receiver = await createReceiver([[307, { location: target.url }]]);
    const { emit, errors } = setup(receiver.url);
    emit(invalid);
    await until(() => errors.length === 1);
    expect(errors[0]?.message).toContain('it answered 307');
    expect(target.received).toEqual([]);
  });

  it('is given up after the last try, and what is reported names neither its path nor the secret', async () => {
    await using receiver = await createReceiver([[500], [500], [500], [500]]);
    const { emit, clock, waits, errors } = setup(receiver.url, { tries: 3 });
    emit(invalid);
    for (const count of [1, 2]) {
      await until(() => waits.length === count);
      await clock.advance(1_000 * count);
    }
    await until(() => errors.length === 1);
    expect(receiver.received.length).toBe(3);
    expect(errors[0]).toMatchObject({
      code: 'PLUGIN_FAILED',
      details: { plugin: 'webhook', type: 'credential.invalid', id: receiver.received[0]?.headers['webhook-id'] },
    });
    expect(errors[0]?.message).toMatch(/at try 3: it answered 500\.$/);
    const shown = JSON.stringify([errors[0], errors[0]?.message, String(errors[0]?.cause)]);
    expect(shown).not.toMatch(/path-that-nobody-may-know/);
    expect(shown).not.toContain(secret.slice(6));
  });

  it('has ten seconds to answer each time', async () => {
    await using receiver = await createReceiver(['hang', 'hang']);
    const { emit, clock, waits, errors } = setup(receiver.url, { tries: 2 });
    emit(invalid);
    await until(() => receiver.received.length === 1);
    await clock.advance(9_999);
    expect(waits).toEqual([]);
    await clock.advance(1);
    await until(() => waits.length === 1);
    await clock.advance(1_000);
    await until(() => receiver.received.length === 2);
    await clock.advance(10_000);
    await until(() => errors.length === 1);
    expect(errors[0]?.message).toMatch(/at try 2: it gave no answer within 10 s\.$/);
  });
});

describe('the application', () => {
  it('neither waits for the receiver nor grows without bound: the oldest event that waits is dropped', async () => {
    await using receiver = await createReceiver(['hang']);
    const { emit, clock, waits, errors, thrown } = setup(receiver.url, { queueLength: 2 });
    emit(numbered('posting'));
    await until(() => receiver.received.length === 1);
    for (const userId of ['dropped', 'second', 'third']) emit(numbered(userId));
    expect(receiver.received.length).toBe(1);
    await until(() => errors.length === 1);
    expect(errors[0]?.message).toMatch(/ was dropped: 2 newer ones wait\.$/);
    await clock.advance(10_000);
    await until(() => waits.length === 1);
    await clock.advance(1_000);
    await until(() => receiver.received.length === 4);
    expect(receiver.received.map(({ body }) => /posting|dropped|second|third/.exec(body)?.[0])).toEqual([
      'posting',
      'posting',
      'second',
      'third',
    ]);
    expect(thrown).toEqual([]);
  });

  it('is not disturbed by an onError that throws or rejects', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    await using receiver = await createReceiver([[400], [400]]);
    const broken = () => {
      throw new Error('from onError');
    };
    for (const onError of [broken, async () => broken()]) {
      const { emit, thrown } = setup(receiver.url, { onError });
      const before = log.mock.calls.length;
      emit(invalid);
      await until(() => log.mock.calls.length > before);
      expect(thrown).toEqual([]);
    }
    expect(log.mock.calls.map(([, thrown]) => String(thrown))).toEqual(['Error: from onError', 'Error: from onError']);
    log.mockRestore();
  });

  it('closes it at once: a try, a wait and what is queued are given up, each with a word', async () => {
    for (const answer of ['hang', [500]] as const) {
      await using receiver = await createReceiver([answer]);
      const { webhook, emit, clock, waits, errors } = setup(receiver.url);
      emit(numbered('first'));
      emit(numbered('second'));
      await until(() => receiver.received.length === 1 && (answer === 'hang' || waits.length === 1));
      await webhook.close();
      emit(numbered('late'));
      await webhook.close();
      expect(errors.map(({ message }) => message.endsWith('the webhook was closed.'))).toEqual([true, true, true]);
      expect(receiver.received.length).toBe(1);
      expect(clock.pending).toBe(0);
    }
  });
});
