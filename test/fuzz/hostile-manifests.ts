import { manifestSchema } from '@sallyport/core/provider';
import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';
import * as fc from 'fast-check';
import { z } from 'zod';

import { hostilePlaces, jsonTextOf, likeSchema } from './hostile.ts';

export const manifests = [claude, codex, gemini].map(({ manifest }) => manifest);
/** JSON, as an author sends it; the lockfiles are fuzzed below. */
const bundled = manifests.map((manifest): unknown =>
  JSON.parse(
    JSON.stringify({ ...manifest, cli: { ...manifest.cli, lockfile: '{"lockfileVersion":3,"packages":{}}' } }),
  ),
);

/** The words of RE2 and of other engines. */
const words =
  String.raw`a \pL . [^a] ( ) (?: (?= (?<n> | * + ? {30} {0,1000} {,} [ ] \ \b \1 ^ $ \x{10ffff} - [[:alpha:]] \Q (?i)`
    .split(' ')
    .concat('\u{d800}', '\0');
const pattern = fc.oneof(
  fc.array(fc.constantFrom(...words), { maxLength: 30 }).map((parts) => parts.join('')),
  fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 1000 })).map(([depth, count]) => {
    return `${'('.repeat(depth)}a${`){${count}}`.repeat(depth)}`;
  }),
);

const matcher = fc.record({ pattern });
const withPatterns = fc
  .tuple(fc.constantFrom(...bundled), fc.array(matcher, { minLength: 1, maxLength: 120 }))
  .map(([manifest, matchers]) => {
    const changed = Object(structuredClone(manifest));
    changed.prompt.reloginNeeded = matchers.slice(0, 10);
    for (const login of changed.logins) login.success = matchers;
    return changed;
  });

const manifest = fc.oneof(
  { weight: 6, arbitrary: hostilePlaces(fc.constantFrom(...bundled)) },
  { weight: 3, arbitrary: withPatterns },
  { weight: 1, arbitrary: likeSchema(z.toJSONSchema(manifestSchema, { io: 'input', unrepresentable: 'any' })) },
);
/** Manifests as their authors send them. */
export const manifestTexts = jsonTextOf(manifest);
