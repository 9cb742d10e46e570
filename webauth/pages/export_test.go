package pages

// TryAll renders every sample, as New does where there are templates or texts of the application's.
func (s *Set) TryAll() error { return s.tryAll() }
