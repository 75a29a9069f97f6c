import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { Response } from '../engine/response.ts';

/** The record of a response's header in the ledger's stream. */
export const recordOf = (response: Response) => ({
  dynamodb: {
    Keys: { pk: { S: `snapshots#response#${response.id}` }, sk: { S: 'HEADER' } },
    NewImage: { outcome: { S: response.outcome ?? '' }, response: { S: JSON.stringify(response) } },
    SequenceNumber: response.id,
  },
});

/** Invokes tell with records. @returns from which one on they come back */
export async function tellOf(
  lambda: LambdaClient,
  Records: readonly unknown[],
): Promise<readonly { readonly itemIdentifier: string }[]> {
  const { Payload } = await lambda.send(
    new InvokeCommand({ FunctionName: 'firebreak-tell', Payload: JSON.stringify({ Records }) }),
  );
  return JSON.parse(new TextDecoder().decode(Payload)).batchItemFailures;
}
