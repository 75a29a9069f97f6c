import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import { inLog } from './notify/encoders.ts';

/** The logger of a function: a line is one JSON record, whatever others wrote into its values. */
export const logOf = (function_: string): Logger => new Logger({ serviceName: function_, jsonReplacerFn: inLog });

/**
 * Middleware: each line names its invocation. All else about the function is the same for every line, and the name of the log
 * group says it.
 */
export const withRequest = (logger: Logger) => ({
  before: ({ context }: { readonly context: Context }): void =>
    logger.appendKeys({ function_request_id: context.awsRequestId }),
});
