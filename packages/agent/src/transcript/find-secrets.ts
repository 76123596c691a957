import { secretsInText, tokensIn } from '@sallyport/core/engine';
import { matchText, tryParseJsonc } from '@sallyport/core/provider';
import type { ScreenView } from '@sallyport/core/engine';
import type { LoginMethod } from '@sallyport/core/protocol';

import { base64Runs } from './base64-runs.ts';

/** Where secrets come from in a recorded login. */
export interface SecretSources {
  readonly method: LoginMethod;
  /** Texts of the credential files that the CLI wrote. */
  readonly credentials: readonly string[];
  /** Everything that was typed, in order. */
  readonly typed: string;
  /** Links the CLI gave to its browser command. */
  readonly opened: readonly string[];
  readonly printed: Uint8Array;
  /** As it was at the end. */
  readonly screen: ScreenView;
}

/** Everything in a recorded login that is, or was for a while, worth keeping to oneself. */
export function findSecrets(sources: SecretSources): ReadonlySet<string> {
  const { method, credentials, typed, opened, printed, screen } = sources;
  const text = Buffer.from(printed).toString('latin1');
  // A link may be whole on the clipboard alone (OSC 52), and broken on the screen.
  const texts = [text, ...base64Runs(text).map(({ decoded }) => decoded)];
  const shown = [...screen.lines, ...screen.links].join('\n');
  const links = [...opened, ...texts.flatMap((each) => each.match(/https?:\/\/[!-~]+/g) ?? []), ...screen.links];
  const code = method.userCode && matchText(method.userCode, screen.lines.join('\n'));
  // What the manifest itself says, such as the id of the CLI, is known to everybody.
  const known = JSON.stringify(method);
  const found = [
    ...credentials.flatMap(valuesIn).filter((value) => /[0-9@]/.test(value)),
    ...typed.replace(CONTROL_SEQUENCE, '').split(/[^ -~]+/),
    ...links.flatMap(parametersOf),
    ...[...texts, shown, ...opened].flatMap(tokensIn),
    ...(code === undefined ? [] : [code]),
  ];
  return new Set(found.filter((value) => !known.includes(value)));
}

/** ECMA-48 §5.4: a key such as an arrow, and the brackets that a terminal puts around what is pasted. */
// oxlint-disable-next-line no-control-regex
const CONTROL_SEQUENCE = /\u001b\[[0-?]*[ -/]*[@-~]/g;

/** Every text inside a credential; of one that is not JSON, the whole of it and what looks like a secret. */
function valuesIn(text: string): readonly string[] {
  const parsed = tryParseJsonc(text);
  return parsed === undefined ? [text.trim(), ...secretsInText(text)] : textsIn(parsed);
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** Parameters of OAuth that are a secret or half of one (RFC 6749 §4.1, RFC 7636 §4.3, OpenID Connect §3.1.2). */
const secretParameters = ['code', 'state', 'nonce', 'code_challenge', 'code_verifier', 'id_token', 'access_token'];

function parametersOf(link: string): readonly string[] {
  const url = URL.parse(link);
  return url ? secretParameters.flatMap((name) => url.searchParams.getAll(name)) : [];
}
