import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { createConfig, lintFromString } from '@redocly/openapi-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startTestServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

let server: TestServer;
let document: string;

beforeAll(async () => {
  server = await startTestServer();
  document = await (await server.request('/openapi.json')).text();
});
afterAll(() => server.close());

describe('the OpenAPI document', () => {
  it("keeps the linter's recommended rules", async () => {
    const config = await createConfig({ extends: ['recommended'] });
    const problems = await lintFromString({ source: document, config });
    expect(problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([]);
  });

  it('gives each operation a name, a summary and a tag, and names the schemas that requests and answers consist of', () => {
    const { paths, components } = JSON.parse(document);
    const operations = Object.values<object>(paths).flatMap((path) => Object.values(path));
    expect(operations.length).toBeGreaterThan(20);
    for (const operation of operations)
      expect(operation).toMatchObject({
        operationId: expect.stringMatching(/^[a-z][A-Za-z]+$/),
        summary: expect.stringMatching(/^[A-Z].*[^.]$/),
        tags: [expect.any(String)],
      });
    expect(Object.keys(components.schemas)).toEqual(
      expect.arrayContaining(['LoginEvent', 'LoginStatus', 'Problem', 'PromptEvent', 'Provider', 'StartLogin']),
    );
  });

  it('names what every request and answer consists of, apart from two constant answers', () => {
    interface Schema {
      readonly $ref?: string;
      readonly items?: Schema;
      readonly properties?: Readonly<Record<string, Schema>>;
    }
    interface Content {
      readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
    }
    interface Operation {
      readonly requestBody?: Content;
      readonly responses: Readonly<Record<string, Content>>;
    }
    const paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> = JSON.parse(document).paths;
    // A list is an array or a page: its rows have the name.
    const isNamed = ({ $ref, items, properties }: Schema): boolean =>
      $ref !== undefined ||
      [items, properties?.['items'], properties?.['entries']?.items].some((part) => part && isNamed(part));
    const unnamed = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, { requestBody, responses }]) =>
        [requestBody, ...Object.values(responses)].flatMap((body) =>
          Object.entries(body?.content ?? {}).flatMap(([type, { schema }]) =>
            type === 'application/octet-stream' || isNamed(schema) ? [] : [`${method} ${path} ${type}`],
          ),
        ),
      ),
    );
    expect(document).not.toContain('Default Response');
    expect(unnamed).toEqual(['get /health application/json', 'get /ready application/json']);
  });

  it('asks for no body where the server needs none', async () => {
    const { paths } = JSON.parse(document);
    expect(paths['/api/auth/session/{id}/cancel'].post.requestBody).toBeUndefined();
    const unknown = '00000000-0000-4000-8000-000000000000';
    const response = await server.request(`/api/auth/session/${unknown}/cancel`, { method: 'POST' });
    expect(await response.json()).toMatchObject({ code: 'LOGIN_SESSION_UNKNOWN' });
  });

  it('says which routes need no token', () => {
    const { paths } = JSON.parse(document);
    expect(paths['/health'].get.security).toEqual([]);
    expect(paths['/api/vms'].get.security).toEqual([{ bearer: [] }]);
  });
});

describe('a client generated from the document', () => {
  /** A package with a TypeScript of an earlier version, such as the generator asks for. */
  const home = join(import.meta.dirname, '../openapi-client');
  const dependencies = createRequire(join(home, 'package.json'));
  const program = (name: string, path: string): string =>
    join(dirname(dependencies.resolve(`${name}/package.json`)), path);
  const run = async (file: string, ...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, [file, ...args], { env: {} })).stdout;

  it('compiles and runs', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sallyport-openapi-'));
    try {
      await writeFile(join(directory, 'openapi.json'), document);
      await copyFile(join(home, 'client.ts'), join(directory, 'client.ts'));
      await copyFile(join(home, 'tsconfig.json'), join(directory, 'tsconfig.json'));
      await writeFile(join(directory, 'package.json'), '{"type":"module"}');
      await symlink(join(import.meta.dirname, '../../node_modules'), join(directory, 'node_modules'));
      const schema = join(directory, 'schema.d.ts');
      await run(program('openapi-typescript', 'bin/cli.js'), join(directory, 'openapi.json'), '--output', schema);
      expect(await run(program('typescript', 'bin/tsc'), '--project', directory)).toBe('');

      await server.connect();
      server.output.put({ type: 'stdout', line: '{"type":"text","text":"Hello."}' });
      server.output.put({ type: 'exit', code: 0, signal: null, reason: 'ended' });
      expect((await run(join(directory, 'client.ts'), server.url)).split('\n')).toEqual([
        "[ 'fake true' ]",
        'PROVIDER_UNKNOWN 404',
        'Hello.',
        'completed',
        'unknown',
        '',
      ]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
