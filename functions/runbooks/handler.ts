import { SSMClient } from '@aws-sdk/client-ssm';
import middy from '@middy/core';
import type { Context as LambdaContext } from 'aws-lambda';
import * as z from 'zod/mini';
import { sessionConfig } from '../../engine/aws/session.ts';
import { Refusal } from '../../engine/door.ts';
import { environment } from '../../engine/environment.ts';
import { shape } from '../../engine/findings/reader.ts';
import { logOf, withRequest } from '../../engine/log.ts';
import { deployedOffice } from '../../engine/office.ts';
import { automationAt, STEPS } from './automation.ts';
import remediations from './remediations.json' with { type: 'json' };
import { type Desk, type Told, take } from './steps.ts';

const region = environment('AWS_REGION');
const ssm = new SSMClient(sessionConfig(environment('ACCOUNT_ID'), region));
const office = deployedOffice();
const logger = logOf('runbooks');
const known = remediations as Desk['remediations'];
const ids: ReadonlySet<string> = new Set(Object.keys(known));

/** Milliseconds that are left of an invocation when a step that waits gives up, to say so itself. */
const SPARE_MS = 5_000;

/** An execution, and its step. Who it is for, on what and by whose word is in the execution alone. */
const request = shape(() =>
  z.strictObject({
    do: z.enum(STEPS),
    execution: z.string().check(z.regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)),
  }),
);

/** What the runbooks of remediations invoke at each step. It fails as the step shall fail. */
export const handler = middy<unknown, Told>()
  .use(withRequest(logger))
  .handler(async (event, context: LambdaContext) => {
    const { do: step, execution } = z.parse(request(), event);
    const about = { step, execution };
    try {
      const automation = await automationAt(step, execution, ssm, ids);
      const until = Date.now() + context.getRemainingTimeInMillis() - SPARE_MS;
      const told = await take[step](automation, { ...office, remediations: known, region, until });
      const { response, outcome } = told;
      logger.info('step done', { ...about, remediation: automation.remediation, by: automation.by, response, outcome });
      return told;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      logger.warn('refused', { ...about, status: error.status, error: error.message });
      throw new Error(`${error.message}: ${error.todo}`);
    }
  });
