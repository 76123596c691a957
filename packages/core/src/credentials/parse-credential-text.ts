import type { CredentialFileItem } from '../provider/credential-item.ts';
import { tryParseJsonc } from '../provider/jsonc.ts';
import { tryParseJson } from '../provider/lenient-json.ts';

/** The value of a credential file. `undefined` for a format that is not JSON, and for a text that is not what it should be. */
export function parseCredentialText({ format }: Pick<CredentialFileItem, 'format'>, text: string): unknown {
  if (format === 'text') return undefined;
  return format === 'jsonc' ? tryParseJsonc(text) : tryParseJson(text);
}
