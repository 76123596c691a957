import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { manifestSchema, type Provider } from '@sallyport/core/provider';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createFakeProvider } from '../fake-cli/provider.ts';
import { type CliWorld, type CliWorldOptions, createCliWorld } from './cli-world.ts';

/** Answers with its key and its settings, as the real ones find them. */
const program = `
const { readFileSync } = require('node:fs');
let settings = 'none';
try { settings = readFileSync(process.env.HOME + '/.fake/settings.json', 'utf8'); } catch {}
const text = (process.env.FAKE_API_KEY ?? 'no key') + ' ' + settings;
console.log(JSON.stringify({ type: 'text', text }));
`;

const sites: CliWorldOptions['sites'] = {
  'api.fake.test': (_request, response) => void response.end('the fake vendor'),
};

let directory: string;
let world: CliWorld;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sp-cli-world-'));
});
afterEach(async () => {
  await world.close();
  await rm(directory, { recursive: true, force: true });
});

async function open(settings?: string): Promise<void> {
  const executable = join(directory, 'fake.cjs');
  await writeFile(executable, program);
  const provider = settings === undefined ? createFakeProvider() : withKeyIn(settings, createFakeProvider());
  world = await createCliWorld({ provider, executable, sites, directory: join(directory, 'world') });
}

function withKeyIn(content: string, provider: Provider): Provider {
  const credentials = provider.manifest.credentials.map((item) =>
    item.as === 'environment' ? { ...item, settings: [{ path: '~/.fake/settings.json', content }] } : item,
  );
  return { ...provider, manifest: manifestSchema.parse({ ...provider.manifest, credentials }) };
}

describe('a world for one CLI', () => {
  it('gives a prompt its key in the variable of the manifest, with the settings for a key, for that prompt alone', async () => {
    await open();
    const given = await world.prompt('hello', { values: { api_key: ' fk-0123456789\n' } });
    expect(given.answer).toBe('fk-0123456789 {"pays":"key"}');
    expect((await world.prompt('hello')).answer).toBe('no key none');
  });

  it('gives a prompt its key in the settings file that the manifest names, and removes it again', async () => {
    await open('{"key":"{{value}}"}');
    const given = await world.prompt('hello', { values: { api_key: 'fk-0123456789' } });
    expect(given.answer).toBe('no key {"key":"fk-0123456789"}');
    await expect(readFile(join(world.home, '.fake/settings.json'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('refuses a key that a server would refuse, and a value that the manifest does not have', async () => {
    await open();
    await expect(world.prompt('hello', { values: { api_key: 'sk-of-another-vendor' } })).rejects.toMatchObject({
      code: 'CREDENTIAL_MALFORMED',
      hint: expect.stringContaining('fk-…'),
    });
    await expect(world.prompt('hello', { values: { apiKey: 'fk-0123456789' } })).rejects.toMatchObject({
      message: "The manifest of fake has no value 'apiKey'.",
      hint: 'It has: api_key.',
    });
  });

  it('leads another program to its sites by the variables of its network', async () => {
    await open();
    const ask = "fetch('https://api.fake.test/').then((answer) => answer.text()).then(console.log)";
    const env = { ...world.network, NODE_USE_ENV_PROXY: '1' };
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', ask], { env });
    expect(stdout).toBe('the fake vendor\n');
    expect(world.internet.log()).toMatchObject([{ host: 'api.fake.test', status: 200 }]);
  });
});
