import { InvokeCommand, LambdaClient, ResourceNotFoundException } from '@aws-sdk/client-lambda';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { sentOnce, sessionConfig } from '../engine/aws/session.ts';
import type { Answers, SimulateRequest } from '../simulations/requests.ts';
import { type Caller, identify } from './caller.ts';
import { Failure } from './failure.ts';

/** As serverless.yml names it. */
const FUNCTION = 'firebreak-simulate';
const CONNECTION_TIMEOUT_MS = 1_000;
/** For an answer: a preview asks several services, and the function may have to start first. */
const REQUEST_TIMEOUT_MS = 60_000;

/** What a person may ask for. */
type Question = Extract<SimulateRequest, { readonly do: keyof Answers }>;

/** The deployed simulator. IAM decides who may ask it. */
export class Simulator {
  readonly #caller: Caller;
  readonly #lambda: LambdaClient;

  private constructor(caller: Caller) {
    this.#caller = caller;
    const { account, region, credentials } = caller;
    this.#lambda = new LambdaClient({
      // A start that is sent again would be another run.
      ...sentOnce(sessionConfig(account, region, credentials)),
      requestHandler: new NodeHttpHandler({
        connectionTimeout: CONNECTION_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        throwOnRequestTimeout: true,
      }),
    });
  }

  /** @param region where Firebreak is deployed; without it the SDK's own setting */
  static async open(region: string | undefined): Promise<Simulator> {
    return new Simulator(await identify(region));
  }

  /**
   * Asks, and waits for the answer. It is sent once.
   * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
   * @throws {Failure} when there is no simulator, the caller may not ask it, or it failed: with its own words
   */
  async ask<Q extends Question>(question: Q): Promise<Answers[Q['do']]> {
    const { account, arn, partition, region } = this.#caller;
    const command = new InvokeCommand({ FunctionName: FUNCTION, Payload: JSON.stringify(question) });
    const answer = await this.#lambda.send(command).catch((error: unknown) => {
      if (error instanceof ResourceNotFoundException) {
        throw new Failure(
          `account ${account} has no function ${FUNCTION} in ${region}: deploy Firebreak first, or give the Region that it is deployed in`,
        );
      }
      if (error instanceof Error && error.name === 'AccessDeniedException') {
        const resource = `arn:${partition}:lambda:${region}:${account}:function:${FUNCTION}`;
        throw new Failure(`IAM does not let ${arn} do this: it needs lambda:InvokeFunction on ${resource}`);
      }
      throw error;
    });
    const said = answer.Payload?.transformToString() ?? '';
    if (answer.FunctionError !== undefined) throw new Failure(`${FUNCTION} failed: ${failure(said)}`);
    return parsed(said) as Answers[Q['do']];
  }
}

/** The error of a function, as Lambda tells it. https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html */
function failure(said: string): string {
  const { errorType, errorMessage } = parsed(said) as { readonly errorType?: unknown; readonly errorMessage?: unknown };
  if (typeof errorMessage !== 'string') return said.slice(0, 1_000);
  return typeof errorType === 'string' && errorType !== 'Error' ? `${errorType}: ${errorMessage}` : errorMessage;
}

function parsed(said: string): object {
  try {
    const answer: unknown = JSON.parse(said);
    if (answer !== null && typeof answer === 'object') return answer;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Failure(`${FUNCTION} answered what cannot be read: ${said.slice(0, 200) || 'nothing'}`);
}
