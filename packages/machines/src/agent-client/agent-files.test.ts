import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Secret } from '@sallyport/core';
import { MAX_WORK_FILE_BYTES } from '@sallyport/core/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { AgentTarget } from './agent-request.ts';
import { listFiles, readFile } from './agent-files.ts';

let directory: string;
let stop: () => void;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sallyport-files-'));
});

afterEach(async () => {
  stop();
  await rm(directory, { recursive: true, force: true });
});

/** A machine whose agent answers like this. */
async function agentThat(answer: RequestListener): Promise<AgentTarget> {
  const server = createServer(answer);
  const path = join(directory, 'agent.sock');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { machine: { connect: async () => connect(path), exited: new Promise(() => {}) }, token: new Secret('t') };
}

const signal = new AbortController().signal;
const request = { path: '', after: 'b', limit: 2 };
const entries = (...names: readonly string[]) =>
  JSON.stringify({ entries: names.map((name) => ({ name, type: 'file', size: 1, modifiedAt: 0 })), hasMore: true });

describe('files that an agent sends', () => {
  it('are passed on with their size', async () => {
    const target = await agentThat((_request, response) => response.writeHead(200, { 'content-length': 3 }).end('abc'));
    const { size, body } = await readFile(target, 'a', signal);
    expect([size, (await body.toArray()).join('')]).toEqual([3, 'abc']);
  });

  it('end in an error if they are cut short', async () => {
    const target = await agentThat((_request, response) => {
      response.writeHead(200, { 'content-length': 9 }).write('abc', () => response.destroy());
    });
    const { body } = await readFile(target, 'a', signal);
    await expect(body.toArray()).rejects.toThrow('aborted');
  });

  it.each([{}, { 'content-length': String(MAX_WORK_FILE_BYTES + 1) }])(
    'are refused with the headers %j',
    async (headers) => {
      const target = await agentThat((_request, response) => response.writeHead(200, headers).write('a'));
      await expect(readFile(target, 'a', signal)).rejects.toMatchObject({ code: 'AGENT_REFUSED' });
    },
  );

  it.each([
    ['out of order', entries('d', 'c')],
    ['that came before', entries('a')],
    ['twice', entries('c', 'c')],
    ['more than were asked for', entries('c', 'd', 'e')],
    ['with a path for a name', entries('c/d')],
    ['that are none', '{"entries":[]'],
  ])('are not listed %s', async (_how, text) => {
    const target = await agentThat((_request, response) => response.end(text));
    await expect(listFiles(target, request, signal)).rejects.toMatchObject({ code: 'AGENT_REFUSED' });
  });
});
