import { createRequire } from 'node:module';

import { errorCodes } from '@sallyport/core';

/** The generator asks for an earlier TypeScript than ours, so it is installed beside the test of a generated client. */
const load = createRequire(new URL('../test/openapi-client/package.json', import.meta.url));

/** The types of `@sallyport/client`: the schemas of the OpenAPI document, and the codes of errors. */
export async function clientSchema(openapi: string): Promise<string> {
  const { astToString, default: generate } = load('openapi-typescript');
  const codes = Object.keys(errorCodes).map((code) => `  | '${code}'`);
  return [
    '// Printed by `npm run docs` from the OpenAPI document. Change the schemas of the server, not this file.',
    // A field with a default may be left out.
    astToString(await generate(openapi, { defaultNonNullable: false })).trimEnd(),
    '/** Codes of docs/errors.md. */',
    `export type ServerErrorCode =\n${codes.join('\n')};\n`,
  ].join('\n\n');
}
