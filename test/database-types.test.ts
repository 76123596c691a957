import { readFile } from 'node:fs/promises';

import { expect, it } from 'vitest';

import { databaseTypes, databaseTypesFile } from '../scripts/introspect-database.ts';
import { createTestDatabase } from './setup/test-database.ts';

/** The formatter breaks lines and adds a semicolon before a brace that closes. */
const withoutFormat = (text: string): string => text.replaceAll(/\s+/g, '').replaceAll(';}', '}');

it('the types of the database are those of its tables and functions: npm run database-types', async () => {
  const fresh = await databaseTypes(await createTestDatabase());
  expect(withoutFormat(await readFile(databaseTypesFile, 'utf8'))).toBe(withoutFormat(fresh));
});
