/** List prices in US dollars, us-east-1, without any free tier, as of November 2026. */
export const PRICES = {
  /** https://aws.amazon.com/lambda/pricing/ arm64 */
  lambdaRequest: 0.2e-6,
  lambdaGigabyteSecond: 0.0000133334,
  /** https://aws.amazon.com/sqs/pricing/ standard queue; 64 kB are a request */
  sqsRequest: 0.4e-6,
  /** https://aws.amazon.com/dynamodb/pricing/on-demand/ */
  dynamodbWriteUnit: 0.625e-6,
  dynamodbReadUnit: 0.125e-6,
  /** https://aws.amazon.com/eventbridge/pricing/ a custom event of up to 64 kB, or one from another account or Region; AWS's own are free */
  eventbridgeEvent: 1.0e-6,
  /** https://aws.amazon.com/cloudwatch/pricing/ taken in */
  logsGigabyte: 0.5,
} as const;

/** What is assumed of AWS, in milliseconds: the embedded cloud is no measure for these. */
export const ASSUMED = {
  /** A call on a resource, in the account that has it. */
  resource: 100,
  /** A call in our own account, by the service's name in the SDK. */
  own: { sts: 100, securityhub: 100, dynamodb: 10, sqs: 10, ssm: 10, events: 10, sns: 10 },
  /** A call of OpsCenter. */
  opsItem: 100,
  coldStart: 400,
  /** Of the findings. */
  coldShare: 0.25,
} as const;

/** Memory for which Lambda gives a whole processor; it gives less in proportion. https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
export const PROCESSOR_MB = 1_769;

/** The lines that Lambda itself writes for an invocation (START, END and REPORT) unless it is told to warn only, in bytes. */
export const PLATFORM_LINES = { count: 3, bytes: 300 } as const;
/** CloudWatch counts these bytes for each line beside its text. */
export const LINE_OVERHEAD = 26;
