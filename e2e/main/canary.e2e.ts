import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Client } from 'pg';
import type { ClientConfig } from 'pg';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createApi } from '../support/api.ts';
import type { Api } from '../support/api.ts';
import { openBrowser, readCodeFromCanvas, typeIntoCanvas } from '../support/browser.ts';
import { createCanarySearch, encodingsOf } from '../support/canary-search.ts';
import { signIn, startLogin, untilEnded, untilPhase, visitSignInPage } from '../support/person.ts';
import type { Person } from '../support/person.ts';
import { startProcessSampler } from '../support/process-sampler.ts';
import type { ProcessSampler } from '../support/process-sampler.ts';
import { recordFetches, recordPage } from '../support/record-bodies.ts';
import type { RecordedBody } from '../support/record-bodies.ts';
import { searchDatabase, searchFiles } from '../support/search-places.ts';
import type { Searched } from '../support/search-places.ts';
import { poll, removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';

const serverProgram = 'packages/server/dist/main.js';

/** Planted on purpose where the search must find it. */
const control = 'control-4f9d27ab81c6e350';

describe('the search for canaries', () => {
  it('finds every encoding, wherever it stands in something larger', () => {
    const value = 'canary-0123456789_abcdef';
    const search = createCanarySearch({ token: value });
    for (const before of ['', 'a', 'ab', 'abc', 'żółw']) {
      for (const after of ['', '~', '~~', '~~~']) {
        const text = Buffer.from(before + value + after);
        const hex = text.toString('hex');
        for (const content of [
          text,
          text.toString('base64'),
          text.toString('base64url'),
          hex,
          hex.toUpperCase(),
          encodeURIComponent(text.toString()),
          hex.replaceAll(/../g, '%$&'),
          Buffer.from(text.toString(), 'utf16le'),
        ]) {
          expect(search.in('here', content), content.toString()).not.toEqual([]);
        }
      }
    }
    expect(search.in('here', 'canary-0123456789_abcde')).toEqual([]);
    expect(new Set(encodingsOf(value).map(([, text]) => text)).size).toBe(encodingsOf(value).length);
  });
});

/**
 * Every token the vendor issues carries one canary, every authorization code another. A whole life of a login is gone
 * through; then the canaries must be nowhere but in the credential file on the disk of its machine.
 */
describe('a token', () => {
  let server: DemoServer;
  let api: Api;
  let person: Person;
  let sampler: ProcessSampler;
  let browser: Browser;
  let servers = 0;
  const search = createCanarySearch({ control });
  const bodies: RecordedBody[] = [];
  const outputs: (() => string)[] = [];
  const serverPids: number[] = [];
  const stopRecording = recordFetches(() => server.origin, bodies);

  async function start(dataDirectory?: string): Promise<void> {
    server = await startDemoServer({
      config: 'e2e/configs/canary.config.ts',
      environment: { SALLYPORT_CONTROL: control, LOG_LEVEL: 'trace' },
      ...(dataDirectory !== undefined && { dataDirectory }),
    });
    api = createApi(server.origin);
    const started = server;
    person = { api, server };
    outputs.push(() => started.output());
    if (server.process.pid !== undefined) serverPids.push(server.process.pid);
    servers += 1;
    for (const [name, value] of Object.entries((await server.openai()).canaries)) {
      search.add(`${name} ${servers}`, value);
      sampler.add(`${name} ${servers}`, value);
    }
  }

  beforeAll(async () => {
    sampler = startProcessSampler({ control });
    await start();
    browser = await openBrowser();
  });

  afterAll(async () => {
    stopRecording();
    await browser?.close();
    await server?.stop();
    if (server) await removeDataDirectory(server.dataDirectory);
  });

  /** Finds of the real canaries in the data directory, by file. */
  async function searchDisk(): Promise<readonly string[]> {
    const { finds, looked } = await searchFiles(search, server.dataDirectory);
    expect(looked).toBeGreaterThan(500);
    return [
      ...new Set(
        finds
          .filter((find) => find.canary !== 'control')
          .map(({ canary, where }) => `${canary.split(' ')[0]} in ${where}`),
      ),
    ];
  }

  /** The one place: `~/.codex/auth.json`, where the CLI itself keeps it and reads it from. */
  const onItsMachine = /^token in machines\/m-[a-z0-9-]+\/homes\/codex\/\.codex\/auth\.json$/;

  async function expectOnlyOnItsMachine(): Promise<void> {
    const places = await searchDisk();
    expect(places.filter((place) => !onItsMachine.test(place))).toEqual([]);
    expect(places).not.toEqual([]);
  }

  async function database(): Promise<Searched> {
    return searchDatabase(search, connection());
  }

  const connection = (): ClientConfig => ({
    host: join(server.dataDirectory, 'postgres', 'socket'),
    user: 'postgres',
    database: 'postgres',
  });

  const prompt = (text: string, userId?: string) =>
    api.prompt({ provider: 'codex', prompt: text, ...(userId !== undefined && { userId }) });

  it('comes to its machine through a sign-in on the viewer', async () => {
    const page = await browser.newPage();
    recordPage(page, bodies);
    await page.goto(server.origin);
    await page
      .getByRole('button', { name: /connect/i })
      .first()
      .click();
    const code = await readCodeFromCanvas(page);
    await typeIntoCanvas(page, code);
    await page.keyboard.press('Enter');
    await poll('Codex to be connected', async () =>
      (await api.get('/api/providers')).body[0].connected ? true : undefined,
    );
    // Stored is not all: until the login machine is gone, its CLI has it, and its browser the code it was bought with.
    await poll('the login machine to be gone', async () =>
      (await api.get('/api/vms')).body.some((each: { type: string }) => each.type === 'browser') ? undefined : true,
    );
    await page.getByRole('button', { name: 'Disconnect' }).waitFor();
    await page.close();
    // Nothing has been prompted yet, so no machine holds it: it is in the database alone, and sealed.
    expect((await searchDisk()).filter((place) => !onItsMachine.test(place))).toEqual([]);
  });

  it('stays there through prompts and tools', async () => {
    expect((await prompt(`Say ${control}.`)).text).toContain(control);
    expect((await prompt('[[write note.txt: two doors]]')).end).toMatchObject({ outcome: 'completed' });
    expect((await prompt('[[read note.txt]]')).text).toContain('two doors');
    await expectOnlyOnItsMachine();
  });

  it('stays there when it is refreshed', async () => {
    await server.internet.setFaults({ openai: { accessExpiredBefore: Date.now() } });
    expect((await prompt('Hello after a refresh.')).end).toMatchObject({ outcome: 'completed' });
    await poll('the refreshed login to be stored', async () =>
      (await api.get('/api/credentials')).body[0].version > 1 ? true : undefined,
    );
    await expectOnlyOnItsMachine();
  });

  it('stays there when the server is killed and starts again', async () => {
    await server.stop('SIGKILL');
    await start(server.dataDirectory);
    expect((await prompt('Hello after a crash.')).end).toMatchObject({ outcome: 'completed' });
    await expectOnlyOnItsMachine();
  });

  it('stays there when prompts fail, and when the provider refuses it', async () => {
    await server.internet.setFaults({ openai: { modelStatus: 500 } });
    expect((await prompt('This fails.')).end.outcome).toBe('failed');
    await server.internet.setFaults({
      openai: { modelStatus: null, refreshFail: 'refresh_token_expired', accessExpiredBefore: Date.now() },
    });
    expect((await prompt('This needs a new login.')).end.outcome).toBe('relogin-needed');
    await server.internet.setFaults({ openai: { refreshFail: null } });
    await expectOnlyOnItsMachine();
  });

  it('stays there through logins that are refused, that are answered wrongly and that succeed again', async () => {
    const denied = await startLogin(person, 'browser:local');
    await visitSignInPage(person, await untilPhase(person, denied, 'awaiting-user'), 'deny');
    expect(await untilEnded(person, denied)).toMatchObject({ status: 'failed', errorCode: 'LOGIN_DENIED' });

    await server.internet.setFaults({ openai: { tokenStatus: 500 } });
    const failed = await startLogin(person, 'browser:local');
    await visitSignInPage(person, await untilPhase(person, failed, 'awaiting-user'), 'approve');
    expect(await untilEnded(person, failed)).toMatchObject({ status: 'failed' });
    await server.internet.setFaults({ openai: { tokenStatus: null, wrongState: true } });
    const wrongState = await startLogin(person, 'browser:local');
    await visitSignInPage(person, await untilPhase(person, wrongState, 'awaiting-user'), 'approve');
    await api.post(`/api/auth/session/${wrongState}/cancel`);
    await untilEnded(person, wrongState);
    await server.internet.setFaults({ openai: { wrongState: false } });

    const { sessionId } = await signIn(person, 'browser:local');
    await api.sessionEvents(sessionId, () => undefined);
    expect((await prompt('Hello after another login.')).end).toMatchObject({ outcome: 'completed' });
    await signIn(person, 'device-code');
    expect((await prompt('Hello after a third login.')).end).toMatchObject({ outcome: 'completed' });
    await expectOnlyOnItsMachine();
  });

  it('is in no answer to a request that brings it in a wrong way', async () => {
    const token = await readTokens();
    for (const body of [
      { files: { auth: token.slice(0, -20) } },
      { files: { auth: JSON.stringify({ tokens: JSON.parse(token).tokens.access_token }) } },
      {
        files: {
          auth: JSON.stringify({ ...JSON.parse(token), tokens: { ...JSON.parse(token).tokens, refresh_token: '' } }),
        },
      },
      { files: { unknown: token } },
      { files: token },
      { files: { auth: JSON.parse(token) } },
      { files: { auth: token.repeat(300) } },
    ]) {
      expect((await api.post('/api/credentials/codex', { ...body, userId: 'importer' })).status).toBeGreaterThanOrEqual(
        400,
      );
    }
    for (const [type, text] of [
      ['application/json', token.slice(0, -20)],
      ['application/json', `[${JSON.parse(token).tokens.refresh_token}]`],
      ['text/plain', token],
    ] as const) {
      const response = await fetch(`${server.origin}/api/credentials/codex`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: text,
      });
      expect(response.status).toBeGreaterThanOrEqual(400);
      await response.text();
    }
  });

  it('is sealed when it is imported, and its machine alone gets it', async () => {
    expect(
      await api.post('/api/credentials/codex', { userId: 'importer', files: { auth: await readTokens() } }),
    ).toMatchObject({ status: 201 });
    expect((await prompt('Hello from an import.', 'importer')).end).toMatchObject({ outcome: 'completed' });
    await expectOnlyOnItsMachine();
  });

  it('is in no column of the database', async () => {
    const client = new Client(connection());
    await client.connect();
    const hex = Buffer.from(control).toString('hex').toUpperCase();
    await client.query("insert into sallyport.audit_log (at, type, data) values (now(), 'control', $1)", [
      { planted: hex },
    ]);
    const { finds, looked } = await database();
    await client.query("delete from sallyport.audit_log where type = 'control'");
    await client.end();
    expect(finds.filter(({ canary }) => canary !== 'control')).toEqual([]);
    expect(finds).toContainEqual({ canary: 'control', encoding: 'HEX', where: 'sallyport.audit_log.data' });
    expect(finds).toContainEqual({ canary: 'control', encoding: 'raw', where: 'sallyport.prompt_events.event' });
    expect(looked).toBeGreaterThan(500);
  });

  it('is nowhere on the disk any more once it is disconnected', async () => {
    expect((await api.remove('/api/credentials/codex')).status).toBe(200);
    expect((await api.remove('/api/credentials/codex?userId=importer')).status).toBe(200);
    const refused = await api.post('/api/vm/cli/prompt', { provider: 'codex', prompt: 'Nobody is connected.' });
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(await searchDisk()).toEqual([]);
    expect((await database()).finds.filter(({ canary }) => canary !== 'control')).toEqual([]);
  });

  it('is in no metrics, no answer, no stream and no frame of the viewer', async () => {
    const metrics = await fetch(`${server.origin}/metrics`);
    expect(await metrics.text()).toContain('sallyport');
    await api.get('/openapi.json');
    expect(bodies.length).toBeGreaterThan(100);
    const finds = bodies.flatMap((body) => search.in(body.where, body.content()));
    expect(finds.filter(({ canary }) => canary !== 'control')).toEqual([]);
    // The answer to the prompt that said it.
    expect(finds.some(({ canary }) => canary === 'control')).toBe(true);
  });

  it('is in no log', async () => {
    await server.stop();
    const finds = outputs.flatMap((output, index) => search.in(`output ${index + 1}`, output()));
    // What the plugin printed is found in each, and what was said in a prompt in none.
    expect(finds).toEqual(
      outputs.map((_, index) => ({
        canary: 'control',
        encoding: 'base64, shifted by 1',
        where: `output ${index + 1}`,
      })),
    );
    expect(await searchDisk()).toEqual([]);
  });

  it('was at no time in the argv or the environment of any process', async () => {
    const report = await sampler.stop();
    console.log(
      `${report.rounds} samples, every ${report.medianGapMs} ms (longest gap ${report.longestGapMs} ms), ${report.processes} processes, ${report.unreadable.length} times closed to us`,
    );
    expect(report.finds.filter(({ canary }) => canary !== 'control')).toEqual([]);
    // The server was started with the control in its environment, and passes its environment on to nobody.
    expect(report.finds.map(({ pid }) => pid)).toEqual(expect.arrayContaining(serverPids));
    expect(
      report.finds.filter(({ where, command }) => where !== 'environ' || !command.includes(serverProgram)),
    ).toEqual([]);
    // Often enough to mean something: about every 50 ms, over more than a minute.
    expect(report.rounds).toBeGreaterThan(200);
    // To an ordinary user the processes of others are closed, and their own at the moment they end.
    if (process.getuid?.() === 0) expect(report.unreadable).toEqual([]);
  });

  /** As the user finds it on a machine of theirs. */
  async function readTokens(): Promise<string> {
    const { body } = await api.get('/api/vms');
    const machine = body.find((each: { type: string }) => each.type === 'cli');
    return readFile(
      join(server.dataDirectory, 'machines', machine.vmId, 'homes', 'codex', '.codex', 'auth.json'),
      'utf8',
    );
  }
});
