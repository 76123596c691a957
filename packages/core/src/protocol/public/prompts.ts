import { z } from 'zod';

import { conversationIdPattern } from '../../contracts/conversation-id.ts';
import { projectSettingsSchema, toolPolicySchema } from '../../contracts/prompt-event.ts';
import { providerIdSchema, userIdSchema } from './common.ts';

export const promptBodySchema = z.strictObject({
  userId: userIdSchema,
  provider: providerIdSchema,
  prompt: z.string(),
  conversationId: z.string().regex(conversationIdPattern, 'must be an id that a former prompt returned').optional(),
  model: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/, 'must be a model name')
    .optional(),
  tools: toolPolicySchema
    .optional()
    .describe(
      'What the tools of the CLI may do. Lowered to `ceiling.tools` of the operator if that is less; a `notice` then says so. ' +
        'Default: `workspace`, or less where the operator allows less.',
    ),
  projectSettings: projectSettingsSchema
    .optional()
    .describe(
      '`use`: the CLI uses the settings, hooks and MCP servers that it finds in `~/work`, with the login of the user. ' +
        'Refused with 403 unless the operator sets `ceiling.projectSettings` to `use`. Default: `ignore`.',
    ),
});

/** A prompt that may come soon. */
export const expectedPromptBodySchema = promptBodySchema.omit({ prompt: true });

export const promptParamsSchema = z.strictObject({ id: z.uuid() });
