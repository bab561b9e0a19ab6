/** Error bodies of the service, exactly as seen. The numbers are those by which the tests call them. */
export const BODIES = {
  1: '{"error":{"message":"You have exceeded your current request limit. For details, see: https://help.aliyun.com/zh/model-studio/error-code#rate-limit","type":"limit_requests","param":null,"code":"limit_requests"}}',
  2: '{"error":{"code":"insufficient_quota","message":"You exceeded your current quota, please check your plan and billing details. For details, see: https://help.aliyun.com/zh/model-studio/error-code#token-limit","param":null,"type":"insufficient_quota"},"request_id":"57553be3-dea8-49f1-ba1e-7a820c152999"}',
  3: '{"error":{"message":"Request rate increased too quickly. To ensure system stability, please adjust your client logic to scale requests more smoothly over time.","type":"limit_burst_rate","param":"","code":"limit_burst_rate"}}',
  4: '{"error": "{\\"message\\":\\"You have exceeded your current request limit. For details, see: https://help.aliyun.com/zh/model-studio/error-code#rate-limit\\",\\"type\\":\\"limit_requests\\",\\"param\\":null,\\"code\\":\\"limit_requests\\"}", "request_id": "0ccefad2-48ea-9964-9872"}',
  5: '{"code":"Throttling.RateQuota","message":"Requests rate limit exceeded","request_id":"…"}',
  6: '{"code":"Throttling.RateQuota","message":"{\\"error\\":{\\"message\\":\\"The engine is currently overloaded, please try again later\\",\\"type\\":\\"EngineOverloadedError\\",\\"param\\":null,\\"code\\":\\"EngineOverloadedError\\"}}"}',
  '7a': '{"request_id":"70acdc21-a546-489a-b5d6-650df970a4ef","code":"Throttling.AllocationQuota","message":"Allocated quota exceeded, please increase your quota limit."}',
  '7b': '{"error":{"code":"limit_burst_rate","message":"Request rate increased too quickly.","type":"limit_burst_rate"}}',
  '7c': '{"type":"error","error":{"type":"server_error","message":"<429> InternalError.Algo: An error occurred in model serving, error message is: [Too many requests.]"}}',
  8: '{"error":{"message":"The free tier of the model has been exhausted. If you wish to continue access the model on a paid basis, please disable the \\"use free tier only\\" mode in the management console.","type":"AllocationQuota.FreeTierOnly","param":null,"code":"AllocationQuota.FreeTierOnly"},"id":"chatcmpl-d4397d9d-0be3-9f4f-8e01-15a4eaa80970","request_id":"d4397d9d-0be3-9f4f-8e01-15a4eaa80970"}',
  9: '{"error":{"code":"Arrearage","param":null,"message":"Access denied, please make sure your account is in good standing.","type":"Arrearage"},"id":"chatcmpl-f9fdb027-830c-9e05-8366-ce479a878825","request_id":"f9fdb027-830c-9e05-8366-ce479a878825"}',
  10: '{"error":{"message":"Incorrect API key provided. ","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}',
  '10 flat': '{"code":"InvalidApiKey","message":"No API-key provided."}',
  11: '',
} as const
