-- Rows of events lie in the order in which they came, as they always did here.
SELECT 1;
