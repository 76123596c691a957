import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

import type { PoolConfig } from 'pg';
import { inject } from 'vitest';

/** A new database with all tables and no rows, for one test file. It goes away with the test run. */
export async function createTestDatabase(): Promise<PoolConfig> {
  const answer: TestDatabaseAnswer = JSON.parse(await text(connect(inject('testDatabases'))));
  if ('problem' in answer) throw new Error(`No database for this test: ${answer.problem}`);
  return answer.connection;
}

type TestDatabaseAnswer = { readonly connection: PoolConfig } | { readonly problem: string };
