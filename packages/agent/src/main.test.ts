import { spawn } from 'node:child_process';
import { cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { until } from '../../../test/setup/until.ts';
import { agentBundle } from './index.ts';

const token = 'token-of-this-boot-0123456789-0123456789';

/**
 * The built program, moved away from the repository: it must not need anything from there. Its configuration is on
 * standard input, or in a file of that name.
 */
async function startProgram(file?: { readonly name: string; readonly content: (folder: string) => string }) {
  const { directory, entry, nodeArgs, node } = agentBundle();
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-main-'));
  await cp(directory, join(folder, 'agent'), { recursive: true });
  if (file) await writeFile(join(folder, file.name), file.content(folder));
  const boot = file ? join(folder, file.name) : '-';
  const child = spawn(node, [...nodeArgs, join(folder, 'agent', entry), '--boot', boot], { cwd: folder, env: {} });
  child.stderr.resume();
  const exited = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve([code, signal]));
  });
  return { child, exited, folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

function config(folder: string): string {
  const listen = { socket: join(folder, 'socket') };
  const [home, runtime] = [join(folder, 'home'), join(folder, 'run')];
  return `${JSON.stringify({ machineId: 'm', epoch: 1, role: 'cli', token, listen, home, runtime, clis: {} })}\n`;
}

async function health(folder: string, bearer = token): Promise<number> {
  let status = 0;
  await until('the agent to answer', async () => {
    status = await new Promise<number>((resolve) => {
      const headers = { authorization: `Bearer ${bearer}` };
      const outgoing = request({ socketPath: join(folder, 'socket'), path: '/health', headers });
      outgoing.once('response', (response) => resolve(response.resume().statusCode ?? 0));
      outgoing.once('error', () => resolve(0)).end();
    });
    return status !== 0;
  });
  return status;
}

describe('the built agent', () => {
  it('works away from the repository, survives SIGUSR1, and ends with the one who started it', async () => {
    const { child, exited, folder, remove } = await startProgram();
    child.stdin.write(config(folder));
    expect(await health(folder)).toBe(200);
    child.kill('SIGUSR1');
    expect(await health(folder)).toBe(200);
    child.stdin.end();
    expect(await exited).toEqual([0, null]);
    await remove();
  });

  it('ends cleanly on SIGTERM', async () => {
    const { child, exited, folder, remove } = await startProgram();
    child.stdin.write(config(folder));
    await health(folder);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    await remove();
  });

  it('takes the token of a configuration that replaces its own, and no other from then on', async () => {
    const { child, exited, folder, remove } = await startProgram({ name: 'boot.json', content: config });
    expect(await health(folder)).toBe(200);
    const next = 'token-of-the-next-wake-0123456789-0123456789';
    await writeFile(join(folder, 'boot.next'), config(folder).replace(token, next));
    await rename(join(folder, 'boot.next'), join(folder, 'boot.json'));
    await until('the next token to count', async () => (await health(folder, next)) === 200);
    expect(await health(folder)).toBe(401);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    await remove();
  });

  it('names what is wrong with its configuration, and never the token', async () => {
    const { child, exited, folder, remove } = await startProgram();
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stdin.write(config(folder).replace('"epoch":1', '"epoch":"x"'));
    expect(await exited).toEqual([1, null]);
    expect(said).toContain('CONFIG_INVALID: The boot configuration is wrong: epoch:');
    expect(said).not.toContain(token);
    await remove();
  });
});
