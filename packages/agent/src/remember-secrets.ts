import { secretsInText } from '@sallyport/core/engine';
import { tryParseJsonc } from '@sallyport/core/provider';
import type { CredentialFiles } from '@sallyport/core/provider';

import type { Redactor } from './redact.ts';

const SHORTEST_SECRET = 16;

/** Has the redactor replace every string of 16 characters or more in a credential. Of a file that is not JSON, all of it and what `secretsInText` finds. */
export function rememberSecrets(redactor: Redactor, files: CredentialFiles): void {
  for (const text of Object.values(files)) {
    // A CLI writes the file, so its levels are not ours to choose: the depth of the stack does not depend on them.
    const open: unknown[] = [tryParseJsonc(text) ?? parseDeepJson(text)];
    if (open[0] === undefined) {
      open.push(text.trim());
      for (const secret of secretsInText(text)) redactor.add(secret);
    }
    while (open.length > 0) {
      const value = open.pop();
      if (typeof value === 'string' && value.length >= SHORTEST_SECRET) redactor.add(value);
      if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) open.push(inner);
    }
  }
}

/** JSON of more levels than credentials may have. It is not stored, but must not be shown either. */
function parseDeepJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
