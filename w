Running 4s test @ http://127.0.0.1:7003/v1/chat/completions
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.03ms  371.24us   5.67ms   88.78%
    Req/Sec    31.53k     3.11k   34.94k    85.37%
  128567 requests in 4.10s, 130.83MB read
Requests/sec:  31360.50
Transfer/sec:     31.91MB
