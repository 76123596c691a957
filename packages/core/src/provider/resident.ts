import { z } from 'zod';

import { homePathSchema, idSchema, pointerSchema } from './bounded.ts';
import { lineValueSchema } from './line-value.ts';
import { matcherSchema } from './matcher.ts';

const MINUTE_MS = 60_000;

/**
 * Keeps the process of a CLI running after a prompt, so that the next one need not start it. A process takes one prompt
 * at a time. It is ended by these limits, by a failed or canceled prompt, and when anything that it was started with
 * has changed: the tool policy, the environment, the settings, or a credential file, which it may have rotated itself.
 */
const limitsShape = {
  idleMs: z
    .number()
    .int()
    .min(1000)
    .max(60 * MINUTE_MS)
    .describe('Milliseconds that a process waits for the next prompt.')
    .default(10 * MINUTE_MS),
  maxPrompts: z.number().int().min(2).max(1000).describe('Prompts that a process takes.').default(50),
  maxMemoryMb: z
    .number()
    .int()
    .min(16)
    .max(4096)
    .describe('Memory that a process may have after a prompt, with everything it started, in MiB.')
    .default(256),
};

/** Of a CLI that speaks JSON-RPC, and can have several conversations in one process. */
export const residentSchema = z.strictObject({
  opening: z
    .array(idSchema.max(32))
    .min(1)
    .max(20)
    .describe(
      'Ids of the steps that are taken once for each process. They have no slots, and are the same in `steps` and `resumeSteps`.',
    ),
  conversation: pointerSchema
    .max(200)
    .describe(
      'JSON pointer to the conversation that a message belongs to, in its parameters. What comes of an earlier conversation is dropped.',
    ),
  failed: z
    .array(matcherSchema)
    .max(10)
    .describe(
      'Any of these in the message that completes the answer means that the prompt failed. The process ends then.',
    )
    .default([]),
  ...limitsShape,
});

/** Of a CLI that has one conversation in a process. Another conversation gets another process. */
export const lineResidentSchema = z.strictObject({
  conversation: pointerSchema
    .max(200)
    .describe(
      "JSON pointer to the CLI's id of the conversation, in its lines. The process takes prompts of this conversation only.",
    ),
  ends: z
    .array(lineValueSchema)
    .max(50)
    .describe(
      'Any of these in a line means that the process must not stay: the prompt failed, or left something running in the process itself.',
    )
    .default([]),
  ...limitsShape,
});

export type Resident = z.infer<typeof residentSchema>;

/** Files of the home that the CLI reads when it starts: its credential, and settings that it does not write itself. */
const startFilesShape = { startFiles: z.array(homePathSchema).max(40) };

/** What the agent is told of it for one prompt. */
export const residentRunSchema = residentSchema.extend(startFilesShape);

export const lineResidentRunSchema = lineResidentSchema.extend({
  ...startFilesShape,
  /** The conversation that the prompt continues. Absent: it begins one. */
  session: z.string().min(1).max(500).optional(),
  /** The arguments as they would be without a conversation to continue. */
  argv: z.array(z.string().max(10_000)).min(1).max(200),
});

export type ResidentRun = z.infer<typeof residentRunSchema>;
/** How long a process may stay, whatever it speaks. */
export type ResidentLimits = Pick<ResidentRun, 'idleMs' | 'maxPrompts' | 'maxMemoryMb'>;
