import { loginPhases } from '@sallyport/core';
import { loginEventSchema, promptEventSchema } from '@sallyport/core/protocol';
import { z } from 'zod';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The events of both streams, from the schemas that also stand in the OpenAPI document. */
export function eventBlocks(): readonly string[] {
  return [
    'A server answers with server-sent events (`text/event-stream`). The `data` of each is one line of JSON with a `type`, and its `id` is a number that grows within the stream. To go on after a broken connection, send the last id as `Last-Event-ID`: no event is left out, and none comes twice. New types and fields may be added: skip what you do not know.',
    '## A login',
    '`GET /api/auth/session/:id/events`. Every event has a `status`, a `phase` and a `message` for the user. The schema is `LoginEvent`.',
    ...loginEventBlocks('###'),
    '### Phases',
    table(
      ['Phase', 'Status', 'Message'],
      Object.entries(loginPhases).map(([phase, { status, message }]) => [`\`${phase}\``, `\`${status}\``, message]),
    ),
    '## A prompt',
    '`POST /api/vm/cli/prompt` and `GET /api/vm/cli/prompt/:id/events`. The schema is `PromptEvent`.',
    ...eventsOf(promptEventSchema, ['type'], '###'),
  ];
}

/** The events of a login, each under a heading of this level. */
export function loginEventBlocks(level: string): readonly string[] {
  return eventsOf(loginEventSchema, ['type', 'status', 'phase', 'message'], level);
}

function eventsOf(union: z.ZodType, left: readonly string[], level: string): readonly string[] {
  const { oneOf = [] } = z.toJSONSchema(union);
  return oneOf.flatMap((event) => {
    const { description = '', properties = {} } = objectOf(event);
    const fields = Object.entries(fieldsOf(event)).filter(([name]) => !left.includes(name));
    const rows = fields.map(([name, { type, text }]) => [`\`${name}\``, type, text]);
    return [
      `${level} \`${String(objectOf(properties['type']).const)}\``,
      description,
      ...(rows.length > 0 ? [table(['Field', 'Type', 'Meaning'], rows)] : []),
    ];
  });
}

/** Those of `data` by their path. */
function fieldsOf(
  schema: unknown,
  path = '',
): Readonly<Record<string, { readonly type: string; readonly text: string }>> {
  const { properties = {}, required = [] } = objectOf(schema);
  return Object.assign(
    {},
    ...Object.entries(properties).map(([name, field]) => {
      const { description: text = '', properties: inner } = objectOf(field);
      const optional = required.includes(name) ? '' : ', may be absent';
      const own = { [path + name]: { type: typeOf(objectOf(field)) + optional, text } };
      return inner ? { ...own, ...fieldsOf(field, `${path}${name}.`) } : own;
    }),
  );
}

function typeOf({ type, enum: values, anyOf, items }: JsonSchema): string {
  if (values) return values.map((value) => `\`${String(value)}\``).join(', ');
  if (anyOf) return anyOf.map((one) => typeOf(objectOf(one))).join(' or ');
  if (type === 'array') return `array of ${typeOf(objectOf(items))}s`;
  return [type].flat().join(' or ');
}

function objectOf(schema: unknown): JsonSchema {
  return Object(schema);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
