import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { createScreen, spawnPty } from '@sallyport/agent/terminal';
import { SallyportError, systemClock } from '@sallyport/core';
import { type LoginObservation } from '@sallyport/core/engine';
import { type ProviderManifest } from '@sallyport/core/provider';

import { type LoginOutcome, startLoginRun } from '../provider/login-run.ts';
import type { UserAnswer, ShownLogin } from './cli-world.ts';

export interface InstalledCli {
  readonly file: string;
  /** Arguments in front of all others. */
  readonly before: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly home: string;
}

/** What a login can be replayed from; see `writeTranscript`. */
export interface RecordedLogin {
  readonly bytes: Uint8Array;
  readonly columns: number;
  readonly rows: number;
  readonly exit: number | null;
  /** Seconds since the start, and the length of what arrived. */
  readonly chunks: readonly (readonly [number, number])[];
  /** Seconds since the start, and what was typed. */
  readonly typed: readonly (readonly [number, string])[];
}

const PATIENCE_MS = 60_000;

export async function runLogin(
  { file, before, environment, home }: InstalledCli,
  manifest: ProviderManifest,
  methodId: string,
  person: (shown: ShownLogin) => Promise<UserAnswer>,
): Promise<LoginOutcome & RecordedLogin> {
  const method = manifest.logins.find(({ id }) => id === methodId);
  if (method?.drive.kind !== 'terminal') {
    throw new SallyportError('CONFIG_INVALID', `The manifest of ${manifest.id} has no terminal login '${methodId}'.`);
  }
  const { argv, columns, rows, env } = method.drive;
  await rm(join(home, 'url'), { force: true });
  const screen = createScreen({ columns, rows });
  const pty = spawnPty({
    file,
    columns,
    rows,
    cwd: home,
    argv: [...before, ...argv],
    env: { ...environment, ...env },
  });
  const [chunks, typed, pieces]: [[number, number][], [number, string][], Uint8Array[]] = [[], [], []];
  const started = performance.now();
  const seconds = (): number => Math.round(performance.now() - started) / 1000;
  let run = startLoginRun(method);
  let sent = 0;
  let exit: number | null = null;
  const type = (text: string): void => {
    typed.push([seconds(), text]);
    pty.write(text);
  };
  const observe = (observation: LoginObservation): void => {
    run = run.observe(observation);
    for (const text of run.outcome.sent.slice(sent)) type(text);
    sent = run.outcome.sent.length;
  };
  screen.onReply((reply) => pty.write(reply));
  let shown = Promise.resolve();
  pty.onData((bytes) => {
    chunks.push([seconds(), bytes.length]);
    pieces.push(bytes);
    shown = shown.then(() => screen.write(bytes)).then(() => observe({ type: 'screen', screen: screen.view() }));
  });
  let ended = false;
  const end = new Promise<void>((resolve) =>
    pty.onExit(({ code }) => {
      [exit, ended] = [code, true];
      resolve();
    }),
  );

  async function until<Found>(
    what: string,
    look: () => Found | undefined | Promise<Found | undefined>,
  ): Promise<Found> {
    while (performance.now() - started < PATIENCE_MS) {
      const found = await look();
      if (found !== undefined) return found;
      if (run.outcome.result !== 'waiting' || (ended && what !== 'an end')) break;
      await systemClock.sleep(50);
      observe({ type: 'tick', elapsedMs: performance.now() - started });
    }
    const screenText = screen.snapshotText();
    throw new SallyportError(
      'LOGIN_FAILED',
      `${manifest.title} did not come to ${what}: ${run.outcome.result}. The screen says: ${screenText}`,
    );
  }

  try {
    const url = await until('a sign-in link', async () => {
      const opened = await readFile(join(home, 'url'), 'utf8').catch(() => undefined);
      if (opened !== undefined && run.outcome.urls.length === 0) observe({ type: 'shim', url: opened });
      return run.outcome.urls[0];
    });
    const { callback, answers = {} } = await person({ url, userCode: run.outcome.userCodes[0] });
    if (callback !== undefined) await fetch(callback, { redirect: 'manual' });
    for (const [promptId, value] of Object.entries(answers)) {
      await until(`the question ${promptId}`, () => run.outcome.asked.find((id) => id === promptId));
      observe({ type: 'answer', promptId, value });
    }
    await until('an end', () => (run.outcome.result === 'waiting' ? undefined : true));
    // Most say that they are done and end; one that goes on to its chat is ended.
    await Promise.race([end, systemClock.sleep(2000)]);
    return { ...run.outcome, columns, rows, exit, chunks, typed, bytes: Buffer.concat(pieces) };
  } finally {
    pty.kill();
    await end;
    await shown;
    screen.dispose();
  }
}
