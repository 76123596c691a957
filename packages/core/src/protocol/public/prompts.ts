import { z } from 'zod';

import { conversationIdPattern } from '../../contracts/conversation-id.ts';
import { toolPolicySchema } from '../../contracts/prompt-event.ts';
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
  tools: toolPolicySchema.optional(),
});

export const promptParamsSchema = z.strictObject({ id: z.uuid() });
