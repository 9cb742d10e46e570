package seal_test

// Computed by an independent implementation of HKDF-SHA-256 and AES-256-GCM from the description in the package comment,
// for the master secret 'x' followed by 31 'a'.
const (
	goldenKeyID  = "f4abc0b47b78e66c"
	goldenSubkey = "ccb16408e2f9e8e829c27fcbbf2b5a2da432000b04474a6d2e780145e0b8e7f5"
	goldenBlob   = "01f4abc0b47b78e66c000102030405060708090a0bf8105751ee75be0ae15ccf2612175f8d589c739138dac0a1de"
)
