import { expect, it } from 'vitest';
import { z } from 'zod';

import { credentialItemSchema } from '../provider/credential-item.ts';
import { promptMessageSchema } from '../provider/lines-prompt.ts';
import { rpcRunSchema } from '../rpc/run.ts';
import * as api from './agent-api.ts';

/** Parts of a manifest, which the server has checked when it loaded the provider. */
const ofManifest: ReadonlySet<unknown> = new Set([
  credentialItemSchema,
  rpcRunSchema,
  promptMessageSchema,
  api.startLoginRequestSchema.shape.method,
  api.startLoginRequestSchema.shape.cli,
]);

/** Paths of the strings, arrays and records that have no limit. */
function unbounded(schema: unknown, path: string): readonly string[] {
  if (ofManifest.has(schema)) return [];
  const inside = (inner: unknown, name: string): readonly string[] => unbounded(inner, `${path}.${name}`);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault)
    return unbounded(schema.unwrap(), path);
  if (schema instanceof z.ZodObject)
    return Object.entries(schema.shape).flatMap(([name, inner]) => inside(inner, name));
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((inner, index) => inside(inner, String(index)));
  if (schema instanceof z.ZodRecord) {
    const most: unknown = schema.meta()?.['maxProperties'];
    return [
      ...(typeof most === 'number' ? [] : [path]),
      ...inside(schema.keyType, 'key'),
      // Whatever a CLI sends is bounded by the largest event.
      ...(schema.valueType instanceof z.ZodUnknown ? [] : inside(schema.valueType, 'value')),
    ];
  }
  if (schema instanceof z.ZodArray)
    return [...(hasMaximum(schema) ? [] : [path]), ...inside(schema.element, 'element')];
  const fixed = [z.ZodEnum, z.ZodLiteral, z.ZodNumber, z.ZodBoolean, z.ZodUUID, z.ZodIPv4];
  if (fixed.some((kind) => schema instanceof kind)) return [];
  if (schema instanceof z.ZodString || schema instanceof z.ZodStringFormat) return hasMaximum(schema) ? [] : [path];
  return [`${path} (of a kind that this test does not know)`];
}

function hasMaximum(schema: z.ZodType): boolean {
  return (schema.def.checks ?? []).some(({ _zod: { def } }) => def.check === 'max_length');
}

it.each(Object.entries(api).filter(([, value]) => value instanceof z.ZodType))(
  'has a limit for every string, array and record of %s',
  (name, schema) => {
    expect(unbounded(schema, name)).toEqual([]);
  },
);

it('finds what has no limit', () => {
  const schema = z.object({
    list: z.array(z.string().max(1)),
    text: z.string().regex(/^a+$/).optional(),
    record: z.record(z.string(), z.string().max(1)),
    url: z.union([z.url(), z.literal('')]),
    other: z.any(),
  });
  expect(unbounded(schema, 'it')).toEqual([
    'it.list',
    'it.text',
    'it.record',
    'it.record.key',
    'it.url.0',
    'it.other (of a kind that this test does not know)',
  ]);
});

it('cuts what a machine says at length, and marks it', () => {
  const event = { type: 'login.failed', sessionId: 's', code: 'X', message: '😀'.repeat(950_000), screen: 'short' };
  const parsed = Object(api.agentEventSchema.parse(event));
  expect(parsed.message.length).toBeLessThanOrEqual(4000);
  expect(parsed.message).toMatch(/😀 … \(shortened from 1900000 characters\)$/);
  expect(parsed.message.isWellFormed()).toBe(true);
  expect(parsed.screen).toBe('short');
});

it('refuses what is too long to be one of our names, or has too many entries', () => {
  const files = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`item-${index}`, '']));
  const offer = { type: 'credential.offered', offerId: 'o', provider: 'p', files: { auth: '{}' } };
  expect(api.agentEventSchema.safeParse(offer).success).toBe(true);
  expect(api.agentEventSchema.safeParse({ ...offer, offerId: 'o'.repeat(201) }).success).toBe(false);
  expect(api.agentEventSchema.safeParse({ ...offer, files }).success).toBe(false);
});

it('passes on a credential file that is too large to be stored, for the ledger to refuse', () => {
  const auth = 'x'.repeat(api.MAX_CREDENTIAL_BYTES + 1);
  const offer = { type: 'credential.offered', offerId: 'o', provider: 'p', files: { auth } };
  expect(api.agentEventSchema.parse(offer)).toEqual(offer);
});
