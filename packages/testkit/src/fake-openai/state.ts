import { z } from 'zod';

import { vendorStateSchema } from '../fake-vendor/state.ts';

/** What tests may know about the fake provider. Read with `openaiStateSchema.parse((await control.state()).openai)`. */
export const openaiStateSchema = vendorStateSchema.extend({
  devices: z.array(z.object({ userCode: z.string(), outcome: z.string() })),
});

export type OpenaiState = z.infer<typeof openaiStateSchema>;
