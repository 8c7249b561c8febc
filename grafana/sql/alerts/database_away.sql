SELECT 1::float8 AS answers
