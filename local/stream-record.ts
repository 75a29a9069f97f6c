import type { AttributeValue, _Record as StreamRecord } from '@aws-sdk/client-dynamodb-streams';
import type { DynamoDBRecord, AttributeValue as JsonAttributeValue } from 'aws-lambda';

/** A change of an item as a function gets it. https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html */
export function lambdaRecord(record: StreamRecord, streamArn: string): DynamoDBRecord {
  const { dynamodb: change = {}, userIdentity, ...rest } = record;
  const { ApproximateCreationDateTime, Keys, NewImage, OldImage, ...told } = change;
  return {
    ...rest,
    ...(userIdentity && { userIdentity: { type: userIdentity.Type, principalId: userIdentity.PrincipalId } }),
    dynamodb: {
      // Seconds since 1970.
      ...(ApproximateCreationDateTime && {
        ApproximateCreationDateTime: Math.floor(ApproximateCreationDateTime.getTime() / 1_000),
      }),
      ...(Keys && { Keys: item(Keys) }),
      ...(NewImage && { NewImage: item(NewImage) }),
      ...(OldImage && { OldImage: item(OldImage) }),
      ...told,
    },
    eventSourceARN: streamArn,
  };
}

const item = (attributes: Readonly<Record<string, AttributeValue>>): Record<string, JsonAttributeValue> =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, attribute(value)]));

/** DynamoDB JSON, in which bytes are base64. */
function attribute(value: AttributeValue): JsonAttributeValue {
  if (value.B) return { B: base64(value.B) };
  if (value.BS) return { BS: value.BS.map(base64) };
  if (value.L) return { L: value.L.map(attribute) };
  if (value.M) return { M: item(value.M) };
  return value as JsonAttributeValue;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
